# Makes goodness.json: Rscript goodness.R > goodness.json, in this folder.
# Needs VGAM (1.1-7) and R (4.2.2). Goodness of fit: VGAM's residual deviance and Pearson's
# statistic of grouped counts; groups of Fagerland, Hosmer and Bofin (2008) on single people by
# quantile and cut, as generalhoslem::logitgof 1.3.4 defines them. Hauck-Donner: VGAM::hdeff.
suppressMessages(library(VGAM))
options(warn = -1)
# hdeff differentiates the working weights of multinomial numerically; its default step is 0.005.
STEP <- 1e-4
read <- function(name) read.csv(file.path("data", paste0(name, ".csv")), na.strings = c("NA", ""))
expand <- function(frame, weights) frame[rep(seq_len(nrow(frame)), frame[[weights]]), ]
fit <- function(formula, frame, base) {
  vglm(formula, multinomial(refLevel = base), frame, criterion = "coefficients",
       epsilon = 1e-13, maxit = 60)
}
number <- function(x) ifelse(is.na(x), "null", format(x, digits = 17, trim = TRUE))
vector <- function(x) paste0("[", paste(number(x), collapse = ", "), "]")

by_groups <- function(fit, outcome, base, g) {
  fitted <- fitted(fit)
  # Without signif the rounding of an interpolation between equal values splits those that tie.
  score <- signif(1 - fitted[, base], 10)
  # From minus infinity: with the least score as a cut, as logitgof has it, a lowest group of ties
  # alone is joined to the next, which the definition does not ask for.
  cuts <- unique(c(-Inf, signif(quantile(score, seq_len(g - 1) / g), 10), Inf))
  cell <- cut(score, cuts)
  seen <- outer(as.character(outcome), colnames(fitted), "==") + 0
  observed <- rowsum(seen, cell)
  expected <- rowsum(fitted, cell)
  groups <- nrow(expected)
  df <- (groups - 2) * (ncol(fitted) - 1)
  statistic <- sum((observed - expected)^2 / expected)
  c(statistic, df, pchisq(statistic, df, lower.tail = FALSE), groups)
}
by_pattern <- function(formula, frame, outcome, weights) {
  terms <- setdiff(all.vars(formula), outcome)
  wide <- reshape(aggregate(frame[[weights]], frame[c(terms, outcome)], sum),
                  idvar = terms, timevar = outcome, direction = "wide")
  wide[is.na(wide)] <- 0
  counts <- as.matrix(wide[grep("^x\\.", names(wide))])
  formula <- update(formula, counts ~ .)
  environment(formula) <- environment()
  grouped <- vglm(formula, multinomial(refLevel = 1), wide,
                  criterion = "coefficients", epsilon = 1e-13, maxit = 60)
  expected <- fitted(grouped) * rowSums(counts)
  pearson <- sum((counts - expected)^2 / expected)
  df <- df.residual(grouped)
  c(pearson, deviance(grouped), df, pchisq(pearson, df, lower.tail = FALSE),
    pchisq(deviance(grouped), df, lower.tail = FALSE), nrow(wide))
}

hsbdemo <- transform(read("hsbdemo"), ses = factor(ses, c("low", "middle", "high")), one = 1)
womenlf <- transform(read("womenlf"), one = 1)
alligators <- read("alligators")
alligators <- transform(alligators[alligators$freq > 0, ], size = factor(size, c(">2.3", "<=2.3")),
                        lake = factor(lake, c("George", "Hancock", "Oklawaha", "Trafford")))
school <- transform(read("school"), school = factor(school),
                    program = factor(program, c("regular", "afternoon")))
pneumo <- transform(read("pneumo"), lt = log(exposure.time))
housing <- read("housing")
for (name in c("Infl", "Cont")) {
  housing[[name]] <- factor(housing[[name]], c("Low", "Medium", "High"))
}
housing$Type <- factor(housing$Type, c("Tower", "Apartment", "Atrium", "Terrace"))
chile <- na.omit(read("chile")[c("vote", "sex", "age", "education", "statusquo")])
chile$one <- 1
# Two cells of one person: the Wald statistic has turned.
effect <- data.frame(d = rep(0:1, each = 3), y = rep(c("a", "b", "c"), 2),
                     people = c(60, 1, 25, 1, 55, 30))
# One that has almost turned, and a number beside it.
tilted <- data.frame(d = rep(0:1, each = 9), v = rep(rep(1:3, each = 3), 2),
                     y = rep(c("a", "b", "c"), 6),
                     people = c(40, 1, 9, 30, 2, 12, 25, 3, 14, 4, 22, 9, 2, 30, 8, 1, 41, 7))

cases <- list(
  hsbdemo = list(prog ~ ses + write, hsbdemo, "prog", "academic", "one"),
  womenlf = list(partic ~ hincome + children, womenlf, "partic", "not.work", "one"),
  chile = list(vote ~ sex + age + education + statusquo, chile, "vote", "A", "one"),
  alligators = list(foodchoice ~ size + lake, alligators, "foodchoice", "Fish", "freq"),
  school = list(style ~ school + program, school, "style", "class", "count"),
  pneumo = list(status ~ lt, pneumo, "status", "normal", "freq"),
  housing_main = list(Sat ~ Infl + Type + Cont, housing, "Sat", "Low", "Freq"),
  effect = list(y ~ d, effect, "y", "a", "people"),
  tilted = list(y ~ d + v, tilted, "y", "a", "people")
)
lines <- sapply(names(cases), function(name) {
  case <- cases[[name]]
  people <- expand(case[[2]], case[[5]])
  people[[case[[3]]]] <- factor(people[[case[[3]]]])
  one <- fit(case[[1]], people, case[[4]])
  width <- npred(one)
  # From "term:1, term:2, next:1, ..." to equation by equation.
  order <- order(rep(seq_len(width), length.out = length(coef(one))))
  pattern <- by_pattern(case[[1]], case[[2]], case[[3]], case[[5]])
  paste0('"', name, '": {\n  "pattern": ', vector(pattern),
         ',\n  "groups10": ', vector(by_groups(one, people[[case[[3]]]], case[[4]], 10)),
         ',\n  "groups7": ', vector(by_groups(one, people[[case[[3]]]], case[[4]], 7)),
         ',\n  "terms": ["', paste(names(coef(one))[order], collapse = '", "'), '"]',
         ',\n  "z": ', vector((coef(one) / sqrt(diag(vcov(one))))[order]),
         ',\n  "derivative": ', vector(hdeff(one, derivative = 1, hstep = STEP)[order]),
         ',\n  "flag": ', vector(as.integer(hdeff(one))[order]), "\n}")
})
cat("{\n", paste(lines, collapse = ",\n"), "\n}\n", sep = "")
