# Rscript peers.R nnet|VGAM FOLDER ROWS COLUMNS CATEGORIES OFFSET
# Fits codes.bin (int32) on x.bin, weighed by weights.bin, with offset.bin if OFFSET is 1 (all
# float64, column by column), as far as the program goes. Prints the log-likelihood, the
# coefficients and their standard errors, equation by equation.

arguments <- commandArgs(trailingOnly = TRUE)
package <- arguments[1]
size <- as.integer(arguments[3:6])
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
  fitted <- multinom(model, weights = w, trace = FALSE, maxit = 100000, MaxNWts = 1e6,
                     reltol = 1e-16, abstol = 0)
  list(-fitted$value, as.vector(t(coef(fitted))), sqrt(diag(vcov(fitted))))
}

fit_vgam <- function() {
  shifts <- o[, -1, drop = FALSE]
  fitted <- vglm(y ~ 0 + x, multinomial(refLevel = 1), weights = w, offset = shifts,
                 epsilon = 1e-15, maxit = 100)
  errors <- matrix(sqrt(diag(vcov(fitted))), size[2], size[3] - 1, byrow = TRUE)
  list(as.numeric(logLik(fitted)), as.vector(coef(fitted, matrix = TRUE)), as.vector(errors))
}

answer <- if (package == "nnet") fit_nnet() else fit_vgam()
cat("answer", sprintf("%.17g", unlist(answer)), "\n")
