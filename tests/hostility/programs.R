# Rscript programs.R FOLDER SECONDS nnet|VGAM|glmnet
# Fits the case in FOLDER: y.csv (labels, or counts), x.csv, and if they are there weights.csv,
# offset.csv, extra.csv (values of the keyword that is its name), new.csv, levels.csv; formula
# holds the word "factor" where a column is text. Prints what was found, equation by equation.

arguments <- commandArgs(trailingOnly = TRUE)
folder <- arguments[1]
package <- arguments[3]
take <- function(name) {
  path <- file.path(folder, name)
  if (file.exists(path)) read.csv(path, check.names = FALSE)
}
setTimeLimit(elapsed = as.numeric(arguments[2]))
suppressPackageStartupMessages(library(package, character.only = TRUE))
y <- take("y.csv")
x <- take("x.csv")
new <- take("new.csv")
levels <- take("levels.csv")
y <- if (ncol(y) > 1) as.matrix(y) else if (is.null(levels)) factor(y[[1]]) else
  factor(y[[1]], levels = levels[[1]])
extra <- as.list(take("extra.csv"))
weights <- take("weights.csv")
if (!is.null(weights)) extra$weights <- weights[[1]]
offset <- take("offset.csv")
text <- file.exists(file.path(folder, "factor"))
named <- text || !is.null(new)

model <- if (!named) {
  X <- as.matrix(x)
  if (is.null(offset)) y ~ 0 + X else y ~ 0 + X + offset(O)
} else reformulate(setdiff(names(x), "const"), "y")
if (package == "VGAM" && !is.null(offset)) {
  O <- as.matrix(offset)[, -1]
} else if (!is.null(offset)) O <- as.matrix(offset)

fit_nnet <- function() {
  fixed <- list(formula = model, trace = FALSE, maxit = 1000)
  if (named) fixed$data <- x
  fitted <- do.call(multinom, c(fixed, extra))
  if (fitted$convergence != 0) warning("multinom: convergence is 1")
  if (!is.null(new)) return(list(t(predict(fitted, new, type = "probs"))))
  list(t(coef(fitted)), sqrt(diag(vcov(fitted))))
}

fit_vgam <- function() {
  fixed <- list(formula = model, family = multinomial(refLevel = 1))
  if (named) fixed$data <- x
  fitted <- do.call(vglm, c(fixed, extra))
  if (!is.null(new)) return(list(t(predict(fitted, new, type = "response"))))
  b <- coef(fitted, matrix = TRUE)
  list(b, matrix(sqrt(diag(vcov(fitted))), nrow(b), ncol(b), byrow = TRUE))
}

fit_glmnet <- function() {
  columns <- as.matrix(x[, names(x) != "const", drop = FALSE])
  fixed <- list(x = columns, y = y, family = "multinomial", thresh = 1e-14, maxit = 1e6)
  if (!is.null(offset)) fixed$offset <- O
  fitted <- do.call(glmnet, c(fixed, list(lambda = c(0.1, 0.01, 0.001, 0)), extra))
  if (!is.null(new)) {
    rows <- as.matrix(new[, names(new) != "const", drop = FALSE])
    return(list(t(predict(fitted, rows, s = 0, type = "response")[, , 1])))
  }
  b <- sapply(coef(fitted, s = 0), as.matrix)
  list(b[, -1] - b[, 1])
}

found <- list(nnet = fit_nnet, VGAM = fit_vgam, glmnet = fit_glmnet)[[package]]
tell <- function(kind, words) cat(kind, gsub("[\n\r]+", " ", words), "\n")
tryCatch(
  withCallingHandlers({
    for (one in found()) cat("numbers", sprintf("%.17g", as.vector(one)), "\n")
  }, warning = function(w) {
    tell("warning", conditionMessage(w))
    invokeRestart("muffleWarning")
  }),
  error = function(e) tell("error", conditionMessage(e))
)
