# Constrained multinomial logits by VGAM::vglm, whose constraint matrices H say how the
# coefficients of a term follow from free ones, beta_k = H_k beta*_k; fixed ones go in the offset.
# Rscript constrained.R <folder of the data sets> > constrained.json
suppressMessages({library(VGAM); library(jsonlite)})
folder <- commandArgs(TRUE)[1]
read <- function(name) read.csv(file.path(folder, paste0(name, ".csv")), stringsAsFactors = FALSE)
control <- vglm.control(epsilon = 1e-13, maxit = 100)

answer <- function(formula, data, base, constraints) {
  fit <- vglm(formula, multinomial(refLevel = base), data, constraints = constraints,
              control = control)
  b <- coef(fit, matrix = TRUE)
  free <- vcov(fit)
  H <- do.call(rbind, {
    at <- 0
    lapply(constraints(fit), function(h) {
      rows <- matrix(0, nrow(h), ncol(free))
      rows[, at + seq_len(ncol(h))] <- h
      at <<- at + ncol(h)
      rows
    })
  })
  # Rows of H go term by term, equation within term.
  se <- matrix(sqrt(pmax(diag(H %*% free %*% t(H)), 0)), nrow(b), byrow = TRUE)
  list(terms = rownames(b), coefficients = unname(b), se = se, loglik = logLik(fit),
       free = ncol(free))
}
I <- function(n) diag(n)
brand <- read("brand"); brand$brand <- factor(brand$brand)
held <- cbind(0.3 * brand$age, 0)
hsb <- read("hsbdemo"); hsb$prog <- factor(hsb$prog)
fishing <- read("fishing"); fishing$mode <- factor(fishing$mode)
out <- list(
  brand_tied = answer(brand ~ female + age, brand, 1,
    list("(Intercept)" = I(2), female = matrix(1, 2, 1), age = I(2))),
  brand_one_equation = answer(brand ~ female + age, brand, 1,
    list("(Intercept)" = I(2), female = matrix(c(0, 1), 2, 1), age = I(2))),
  brand_double = answer(brand ~ female + age, brand, 1,
    list("(Intercept)" = I(2), female = I(2), age = matrix(c(1, 2), 2, 1))),
  brand_fixed = answer(brand ~ female + age + offset(held), brand, 1,
    list("(Intercept)" = I(2), female = I(2), age = matrix(c(0, 1), 2, 1))),
  fishing_pairs = answer(mode ~ income, fishing, 1,
    list("(Intercept)" = I(3), income = cbind(c(1, 1, 0), c(0, 0, 1)))),
  hsb_tied = answer(prog ~ write + math, hsb, 1,
    list("(Intercept)" = I(2), write = matrix(1, 2, 1), math = matrix(c(1, -1), 2, 1)))
)
cat(toJSON(out, digits = 17, auto_unbox = TRUE, pretty = TRUE))
