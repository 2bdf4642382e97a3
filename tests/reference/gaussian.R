# Makes gaussian.json: Rscript gaussian.R > gaussian.json, in this folder.
# Needs MASS (7.3-58.2) and R (4.2.2). Posteriors of lda and qda by both divisors.
suppressMessages(library(MASS))
number <- function(x) format(x, digits = 17, trim = TRUE)
vector <- function(x) paste0("[", paste(number(x), collapse = ", "), "]")
rows <- function(x) paste0("[", paste(apply(x, 1, vector), collapse = ",\n"), "]")
flowers <- read.csv(file.path("data", "iris.csv"))
penguins <- read.csv(file.path("data", "penguins.csv"), na.strings = c("NA", ""))
cases <- list()
add <- function(name, outcome, columns, frame) {
  frame <- frame[complete.cases(frame[c(outcome, columns)]), ]
  # Every seventh row: enough to tell divisors and covariances apart.
  some <- seq(1, nrow(frame), by = 7)
  for (fitter in c("lda", "qda")) for (method in c("mle", "moment")) {
    fit <- get(fitter)(as.matrix(frame[columns]), factor(frame[[outcome]]), method = method)
    posterior <- predict(fit, as.matrix(frame[columns]))$posterior
    key <- paste(name, fitter, method, sep = "_")
    cases[[key]] <<- sprintf('"%s": {"categories": [%s], "posterior": %s}', key,
                             paste0('"', colnames(posterior), '"', collapse = ", "),
                             rows(posterior[some, ]))
  }
}
add("iris", "Species", c("Sepal.Length", "Sepal.Width", "Petal.Length", "Petal.Width"), flowers)
add("penguins", "species", c("bill_length_mm", "bill_depth_mm", "flipper_length_mm"), penguins)
cat("{", paste(unlist(cases), collapse = ",\n"), "}\n")
