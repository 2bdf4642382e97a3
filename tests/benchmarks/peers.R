# Rscript peers.R nnet|VGAM FOLDER ROWS COLUMNS
# Fits codes.bin (int32) on x.bin (float64, column by column) and prints seconds, with the
# covariance and without reading, and the log-likelihood.

arguments <- commandArgs(trailingOnly = TRUE)
package <- arguments[1]
folder <- arguments[2]
rows <- as.integer(arguments[3])
columns <- as.integer(arguments[4])

x <- matrix(readBin(file.path(folder, "x.bin"), "double", rows * columns), rows, columns)
y <- factor(readBin(file.path(folder, "codes.bin"), "integer", rows))
suppressPackageStartupMessages(library(package, character.only = TRUE))

fit_nnet <- function() {
  fitted <- multinom(y ~ 0 + x, maxit = 1000, MaxNWts = 1e6, trace = FALSE)
  covariance <- vcov(fitted)
  -fitted$value
}

fit_vgam <- function() {
  fitted <- vglm(y ~ 0 + x, multinomial(refLevel = 1))
  covariance <- vcov(fitted)
  as.numeric(logLik(fitted))
}

start <- proc.time()[["elapsed"]]
loglike <- if (package == "nnet") fit_nnet() else fit_vgam()
seconds <- proc.time()[["elapsed"]] - start
cat(sprintf("%.4f %.10f\n", seconds, loglike))
