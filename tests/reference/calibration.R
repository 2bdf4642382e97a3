# Makes calibration.json: Rscript calibration.R > calibration.json, in this folder.
# Needs VGAM (1.1-7), pROC (1.18.0), caret (6.0-93), survey (4.1-1) and R (4.2.2). Chile's vote is
# fitted on every other row and judged on the rest: recalibration by VGAM with the constraints of
# Van Hoorde et al. (2014); areas and DeLong's variances by pROC; tables by caret; means with
# sampling weights, and kappa, by survey.
suppressMessages({library(VGAM); library(pROC); library(caret); library(survey)})
options(warn = -1)
number <- function(x) ifelse(is.na(x), "null", format(unname(x), digits = 17, trim = TRUE))
vector <- function(x) paste0("[", paste(number(as.vector(x)), collapse = ", "), "]")

chile <- read.csv("data/chile.csv", na.strings = c("NA", ""))
chile <- na.omit(chile[c("vote", "sex", "age", "education", "statusquo", "population")])
chile$vote <- factor(chile$vote)
odd <- seq_len(nrow(chile)) %% 2 == 1
EXACT <- vglm.control(criterion = "coefficients", epsilon = 1e-13, maxit = 60)
fitted_on <- vglm(vote ~ sex + age + education + statusquo, multinomial(refLevel = 1), chile[odd, ],
                  control = EXACT)
new <- chile[!odd, ]
p <- predict(fitted_on, new, type = "response")
l <- log(p[, -1] / p[, 1])
new <- cbind(new, l1 = l[, 1], l2 = l[, 2], l3 = l[, 3], common = l[, 1])
unit <- diag(3)
shift <- vglm(vote ~ 1, multinomial(refLevel = 1), new, offset = cbind(l1, l2, l3), control = EXACT)
own <- vglm(vote ~ l1 + l2 + l3, multinomial(refLevel = 1), new,
             constraints = list("(Intercept)" = unit, l1 = unit[, 1, drop = FALSE],
                                l2 = unit[, 2, drop = FALSE], l3 = unit[, 3, drop = FALSE]), control = EXACT)
one <- vglm(vote ~ common, multinomial(refLevel = 1), new, form2 = ~ common + l1 + l2 + l3,
            constraints = list("(Intercept)" = unit, common = matrix(1, 3, 1)),
            control = vglm.control(criterion = "coefficients", epsilon = 1e-13, maxit = 60,
                                   xij = list(common ~ l1 + l2 + l3 - 1)))
none <- sum(log(p[cbind(seq_len(nrow(p)), as.integer(new$vote))]))
errors <- function(fit) sqrt(diag(vcov(fit)))

area <- function(values, case) {
  found <- roc(case, values, direction = "<", quiet = TRUE)
  c(auc(found), var(found, method = "delong"))
}
rest <- sapply(levels(new$vote), function(k) area(p[, k], new$vote == k))
pair <- function(i, j) {
  few <- new$vote %in% c(i, j)
  area(p[few, i], new$vote[few] == i)[1] / 2 + area(p[few, j], new$vote[few] == j)[1] / 2
}
pairs <- combn(levels(new$vote), 2, function(two) pair(two[1], two[2]))
till <- auc(multiclass.roc(new$vote, p))

best <- factor(levels(new$vote)[max.col(p, "first")], levels(new$vote))
table <- confusionMatrix(best, new$vote)

weighted <- svydesign(~1, weights = ~population, data = transform(new,
  hit = as.numeric(best == vote), best = best,
  brier = rowSums((p - outer(as.character(new$vote), colnames(p), "==")) ^ 2),
  log = -log(p[cbind(seq_len(nrow(p)), as.integer(new$vote))])))
means <- svymean(~hit + brier + log, weighted)
# svykappa refuses categories that are never predicted; this is its formula.
cells <- expand.grid(i = 1:4, j = 1:4)
names <- paste0("c", cells$i, cells$j)
for (k in seq_along(names)) {
  weighted$variables[[names[k]]] <- as.numeric(as.integer(new$vote) == cells$i[k] &
                                                 as.integer(best) == cells$j[k])
}
add <- function(which) paste0("(", paste(names[which], collapse = " + "), ")")
hits <- add(cells$i == cells$j)
chance <- paste0("(", paste(sapply(1:4, function(k) {
  paste(add(cells$i == k), add(cells$j == k), sep = " * ")
}), collapse = " + "), ")")
ratio <- parse(text = paste0("(", hits, " - ", chance, ") / (1 - ", chance, ")"))[[1]]
kappa <- svycontrast(svymean(reformulate(names), weighted), list(kappa = ratio))
fields <- c(
  rows = vector(nrow(new)), loglike = vector(none), shift = vector(coef(shift)),
  shift_se = vector(errors(shift)), shift_loglike = vector(logLik(shift)), own = vector(coef(own)),
  own_se = vector(errors(own)), own_loglike = vector(logLik(own)), one = vector(coef(one)),
  one_se = vector(errors(one)), rest = vector(rest[1, ]), rest_var = vector(rest[2, ]),
  pairs = vector(pairs), hand_till = vector(till),
  table = vector(table$table), kappa = vector(table$overall["Kappa"]),
  sensitivity = vector(table$byClass[, "Sensitivity"]),
  specificity = vector(table$byClass[, "Specificity"]),
  precision = vector(table$byClass[, "Precision"]),
  means = vector(coef(means)), means_se = vector(SE(means)),
  survey_kappa = vector(coef(kappa)), survey_kappa_se = vector(SE(kappa)))
cat("{\n", paste0('  "', names(fields), '": ', fields, collapse = ",\n"), "\n}\n", sep = "")
