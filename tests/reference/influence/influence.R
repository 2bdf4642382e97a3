# Leverages and deletions by VGAM (hatvaluesvlm, dfbetavlm: one scoring step with the row's weight
# all but zero) and by glm (hatvalues, cooks.distance, rstandard, residuals).
# Rscript influence.R <folder of the data sets> > influence.json
suppressMessages({library(VGAM); library(jsonlite)})
folder <- commandArgs(TRUE)[1]
read <- function(name) read.csv(file.path(folder, paste0(name, ".csv")), stringsAsFactors = FALSE)
control <- vglm.control(epsilon = 1e-12, maxit = 100, criterion = "coefficients", half.stepsizing = FALSE)

answer <- function(fit, rows) {
  # Emptied, so that it is formed anew: the one kept is that of the last step but one.
  bare <- fit; bare@qr <- list()
  blocks <- VGAM:::hatvaluesvlm(bare, type = "centralBlocks")
  M <- npred(fit); place <- iam(NA, NA, M = M, both = TRUE, diag = TRUE)
  eigenvalues <- t(apply(blocks, 1, function(h) {
    full <- matrix(0, M, M)
    full[cbind(place$row.index, place$col.index)] <- h
    full[cbind(place$col.index, place$row.index)] <- h
    sort(eigen(full, symmetric = TRUE)$values)
  }))
  steps <- VGAM:::dfbetavlm(fit, smallno = 1e-13)
  # Coefficients come term by term; here they go equation by equation.
  terms <- ncol(steps) / M
  order <- c(t(matrix(seq_len(ncol(steps)), nrow = M)))
  list(terms = names(coef(fit))[order], eigenvalues = unname(eigenvalues)[rows, ],
       dfbeta = unname(steps[rows, order]), sum = sum(eigenvalues))
}
hsb <- read("hsbdemo")
hsb$prog <- factor(hsb$prog, levels = c("academic", "general", "vocation"))
hsb$ses <- factor(hsb$ses, levels = c("high", "low", "middle"))
labels <- vglm(prog ~ ses + write, multinomial(refLevel = 1), hsb, control = control)
weighted <- vglm(prog ~ ses + write, multinomial(refLevel = 1), hsb, weights = 1 + id %% 5,
                 control = control)
pneumo <- VGAM::pneumo
pneumo$let <- log(pneumo$exposure.time)
counts <- vglm(cbind(normal, mild, severe) ~ let, multinomial(refLevel = 1), pneumo,
               control = control)
hsb$y <- as.integer(hsb$prog == "academic")
strict <- glm.control(epsilon = 1e-15, maxit = 100)
binary <- glm(y ~ ses + write, binomial, hsb, control = strict)
pneumo$ill <- pneumo$mild + pneumo$severe
grouped <- glm(cbind(ill, normal) ~ let, binomial, pneumo, control = strict)
plain <- function(fit) list(
  leverage = unname(hatvalues(fit)), cooks_distance = unname(cooks.distance(fit)),
  standardized_pearson = unname(rstandard(fit, type = "pearson")),
  pearson = unname(residuals(fit, "pearson")), deviance = unname(residuals(fit, "deviance")))
out <- list(
  labels = answer(labels, 1:50), weighted = answer(weighted, 1:50), counts = answer(counts, 1:8),
  pneumo = pneumo[c("normal", "mild", "severe", "let")],
  binary = plain(binary), grouped = plain(grouped),
  versions = list(R = R.version.string, VGAM = as.character(packageVersion("VGAM"))))
cat(toJSON(out, digits = 17, auto_unbox = TRUE, dataframe = "columns"))
