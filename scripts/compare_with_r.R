# Run R's mice on a masked table and time it: Rscript compare_with_r.R FOLDER RUN
# RUN: pmm (all items as numbers), default (nominal items as factors), ordered (ordinal items as ordered factors too),
# cart (nominal items as factors). Reads FOLDER/masked.csv (codes) and FOLDER/kinds.csv (name, kind); writes
# FOLDER/RUN_1.csv to RUN_5.csv; prints elapsed seconds, processor seconds and the number of logged events.
suppressPackageStartupMessages(library(mice))
arguments <- commandArgs(trailingOnly = TRUE)
folder <- arguments[1]
run <- arguments[2]

table <- read.csv(file.path(folder, "masked.csv"))
kinds <- read.csv(file.path(folder, "kinds.csv"))
for (i in seq_len(nrow(kinds))) {
  name <- kinds$name[i]
  if (run != "pmm" && kinds$kind[i] == "nominal") table[[name]] <- factor(table[[name]])
  if (run == "ordered" && kinds$kind[i] == "ordinal") table[[name]] <- factor(table[[name]], ordered = TRUE)
}
method <- if (run %in% c("pmm", "cart")) run else NULL # NULL: pmm, logreg, polyreg or polr by type

started <- proc.time()
result <- mice(table, m = 5, maxit = 5, method = method, seed = 1, printFlag = FALSE, nnet.MaxNWts = 1e5)
taken <- proc.time() - started

for (draw in 1:5) {
  completed <- complete(result, draw)
  completed[] <- lapply(completed, function(x) if (is.factor(x)) as.numeric(as.character(x)) else x)
  write.csv(completed, file.path(folder, paste0(run, "_", draw, ".csv")), row.names = FALSE)
}
processor <- taken[["user.self"]] + taken[["sys.self"]]
cat(sprintf("%.2f %.2f %d\n", taken[["elapsed"]], processor, NROW(result$loggedEvents)))
