# Rscript peers.R nnet|VGAM FOLDER ROWS COLUMNS CATEGORIES OFFSET TIGHT
# Fits codes.bin (int32) on x.bin, weighed by weights.bin, with offset.bin if OFFSET is 1 (all
# float64, column by column): with the program's defaults, or if TIGHT is 1 as far as it goes.
# Prints the log-likelihood, the coefficients and their standard errors, equation by equation.

arguments <- commandArgs(trailingOnly = TRUE)
package <- arguments[1]
size <- as.integer(arguments[3:6])
tight <- arguments[7] == "1"
read <- function(name, columns) {
  path <- file.path(arguments[2], name)
  matrix(readBin(path, "double", size[1] * columns), size[1], columns)
}
x <- read("x.bin", size[2])
w <- as.vector(read("weights.bin", 1))
y <- factor(readBin(file.path(arguments[2], "codes.bin"), "integer", size[1]))
o <- if (size[4] == 1) read("offset.bin", size[3]) else matrix(0, size[1], size[3])
suppressPackageStartupMessages(library(package, character.only = TRUE))

fit_nnet <- function() {
  model <- if (size[4] == 1) y ~ 0 + x + offset(o) else y ~ 0 + x
  goal <- if (tight) list(maxit = 100000, reltol = 1e-16, abstol = 0) else list()
  fixed <- list(formula = model, weights = w, trace = FALSE, MaxNWts = 1e6)
  fitted <- do.call(multinom, c(fixed, goal))
  list(-fitted$value, as.vector(t(coef(fitted))), sqrt(diag(vcov(fitted))))
}

fit_vgam <- function() {
  shifts <- o[, -1, drop = FALSE]
  goal <- if (tight) list(epsilon = 1e-15, maxit = 100) else list()
  fixed <- list(formula = y ~ 0 + x, family = multinomial(refLevel = 1), weights = w)
  fitted <- do.call(vglm, c(fixed, list(offset = shifts), goal))
  errors <- matrix(sqrt(diag(vcov(fitted))), size[2], size[3] - 1, byrow = TRUE)
  list(as.numeric(logLik(fitted)), as.vector(coef(fitted, matrix = TRUE)), as.vector(errors))
}

answer <- if (package == "nnet") fit_nnet() else fit_vgam()
cat("answer", sprintf("%.17g", unlist(answer)), "\n")
