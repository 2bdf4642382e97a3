# Covariances of R's sandwich, clubSandwich and survey, of binary and multinomial logits of hsbdemo.
#
#     Rscript tests/reference/covariances/covariances.R > tests/reference/covariances/covariances.json
#
# Binary: glm(binomial) and svyglm(quasibinomial). Three categories: the scores of VGAM's fit,
# w (d - p) x, given to sandwich's and survey's own functions for matrices of them.
suppressMessages({library(sandwich); library(survey); library(clubSandwich)
                  library(VGAM); library(jsonlite)})
here <- "tests/reference"
d <- read.csv(file.path(here, "data", "hsbdemo.csv"))
d$y <- as.integer(d$prog == "academic")
d$w <- 1 + d$id %% 5
d$unit <- d$id %% 40
d$area <- d$id %% 4            # every unit lies in one area
d$time <- (d$id - 1) %/% 10    # 0..19
d$person <- (d$id - 1) %% 10   # vcovPL takes the last row's for the number of persons
d$total <- c(30, 25, 60, 12)[d$area + 1]
control <- glm.control(epsilon = 1e-14, maxit = 100)
form <- y ~ write + ses
fit <- glm(form, binomial, d, control = control)
# One step more: glm's working weights are those of the step before the last.
fit <- glm(form, binomial, d, control = control, start = coef(fit))
lower <- function(m) unname(as.matrix(m))
binary <- list(coef = unname(coef(fit)), names = names(coef(fit)))
for (type in c("HC0", "HC1", "HC2", "HC3")) binary[[type]] <- lower(vcovHC(fit, type = type))
binary$cluster <- lower(vcovCL(fit, ~cid, type = "HC0", cadjust = FALSE))
binary$cluster_stata <- lower(vcovCL(fit, ~cid, type = "HC0"))
binary$cluster_CR1 <- lower(vcovCL(fit, ~cid, type = "HC1"))
binary$cluster_CR3 <- lower(clubSandwich::vcovCR(fit, d$cid, type = "CR3"))
binary$units_CR3 <- lower(clubSandwich::vcovCR(fit, d$unit, type = "CR3"))
binary$two_way_stata <- lower(vcovCL(fit, ~unit + time, type = "HC0"))
binary$negative <- lower(vcovCL(fit, ~cid + schtyp, type = "HC0"))
binary$two_way_CR0 <- lower(vcovCL(fit, ~unit + time, type = "HC0", cadjust = FALSE))
binary$three_way_stata <- lower(vcovCL(fit, ~unit + time + cid, type = "HC0"))
binary$driscoll_kraay <- lower(vcovPL(fit, cluster = d$person, order.by = d$time, lag = 3,
                                      adjust = FALSE, aggregate = TRUE))
binary$panel <- lower(vcovPL(fit, cluster = d$person, order.by = d$time, lag = 3,
                             adjust = FALSE, aggregate = FALSE))

designs <- list(
  strata_psu = svydesign(~unit, strata = ~area, weights = ~w, data = d),
  strata_psu_fpc = svydesign(~unit, strata = ~area, weights = ~w, fpc = ~total, data = d),
  psu = svydesign(~unit, weights = ~w, data = d),
  rows = svydesign(~1, strata = ~area, weights = ~w, data = d),
  weights = svydesign(~1, weights = ~w, data = d))
options(survey.lonely.psu = "fail")
surveys <- list()
for (name in names(designs)) {
  s <- svyglm(form, designs[[name]], family = quasibinomial(), control = control)
  surveys[[name]] <- list(coef = unname(coef(s)), vcov = lower(vcov(s)), df = degf(designs[[name]]))
}
part <- svyglm(form, subset(designs$strata_psu, schtyp == "public" & cid > 4),
               family = quasibinomial(), control = control)
surveys$domain <- list(coef = unname(coef(part)), vcov = lower(vcov(part)))
# Without one of the areas, by unit and by row.
for (name in c("strata_psu", "rows")) {
  part <- svyglm(form, subset(designs[[name]], schtyp == "public" & area != 3),
                 family = quasibinomial(), control = control)
  surveys[[paste0("domain_", name)]] <- list(coef = unname(coef(part)), vcov = lower(vcov(part)))
}
# One unit alone in its area: 40 moved to an area of its own.
d$lone <- ifelse(d$unit == 7, 9, d$area)
for (how in c("adjust", "certainty")) {
  options(survey.lonely.psu = how)
  design <- svydesign(~unit, strata = ~lone, weights = ~w, data = d)
  s <- svyglm(form, design, family = quasibinomial(), control = control)
  surveys[[paste0("lonely_", how)]] <- list(coef = unname(coef(s)), vcov = lower(vcov(s)))
}
options(survey.lonely.psu = "fail")
s <- svyglm(form, designs$strata_psu, family = quasibinomial(), control = control)
# The design's df themselves, as Stata's svy has them; svyglm's own would be these less P - 1.
wald <- regTermTest(s, ~ses, df = degf(designs$strata_psu), method = "Wald")
surveys$wald_ses <- list(F = c(wald$Ftest), df = wald$df, ddf = wald$ddf, p = c(wald$p))

# Three categories, base academic; weights as of sampling.
d$prog <- factor(d$prog, c("academic", "general", "vocation"))
several <- function(weights) {
  v <- vglm(prog ~ write + ses, multinomial(refLevel = 1), d, weights = weights,
            epsilon = 1e-14, maxit = 100)
  x <- model.matrix(~ write + ses, d)
  residual <- outer(as.integer(d$prog), 2:3, "==") - fitted(v)[, 2:3]
  scores <- weights * cbind(residual[, 1] * x, residual[, 2] * x)
  k <- ncol(x)
  order <- c(matrix(seq_len(2 * k), k, 2, byrow = TRUE))   # VGAM goes term by term
  list(coef = unname(coef(v))[order], bread = unname(vcov(v))[order, order], scores = scores)
}
one <- several(rep(1, nrow(d)))
estfun.scored <- function(x, ...) x$scores
bread.scored <- function(x, ...) x$bread * nrow(x$scores)
scored <- structure(one, class = "scored")
multi <- list(coef = one$coef)
multi$two_way_stata <- lower(sandwich(scored, meat. = meatCL(scored, d[c("unit", "time")], type = "HC0")))
multi$driscoll_kraay <- lower(sandwich(scored, meat. = meatPL(scored, d$person, d$time, lag = 2, adjust = FALSE)))
weighted <- several(d$w)
influence <- weighted$scores %*% weighted$bread
recvar <- function(fpc) lower(svyrecvar(influence, designs[[fpc]]$cluster, designs[[fpc]]$strata, designs[[fpc]]$fpc))
multi$survey <- list(coef = weighted$coef, vcov = recvar("strata_psu"), vcov_fpc = recvar("strata_psu_fpc"))
multi$order <- "category by category (general, vocation), terms (Intercept), write, seslow, sesmiddle"
versions <- sapply(c("sandwich", "survey", "clubSandwich", "VGAM"), function(p) as.character(packageVersion(p)))
cat(toJSON(list(made_with = as.list(c(R = as.character(getRversion()), versions)), binary = binary,
                survey = surveys, several = multi), digits = NA, auto_unbox = TRUE, pretty = FALSE))
