"""References for a methods section: what to cite for a method, and for how it was chosen."""

from collections.abc import Mapping
from typing import NamedTuple


class Reference(NamedTuple):
    """A publication as it is cited in a text, and as it stands in a list."""

    short: str
    full: str


REFERENCES: Mapping[str, Reference] = {
    "hot-deck": Reference(
        "Andridge & Little 2010",
        "Andridge, R. R., & Little, R. J. A. (2010). A review of hot deck imputation for survey non-response. "
        "International Statistical Review, 78, 40–64.",
    ),
    "knn": Reference(
        "Troyanskaya et al. 2001; Gower 1971",
        "Troyanskaya, O., et al. (2001). Missing value estimation methods for DNA microarrays. Bioinformatics, 17, "
        "520–525. Gower, J. C. (1971). A general coefficient of similarity and some of its properties. Biometrics, 27, "
        "857–871.",
    ),
    "gaussian-em": Reference(
        "Schafer 1997", "Schafer, J. L. (1997). Analysis of incomplete multivariate data. Chapman & Hall."
    ),
    "latent-class": Reference(
        "Vermunt et al. 2008",
        "Vermunt, J. K., van Ginkel, J. R., van der Ark, L. A., & Sijtsma, K. (2008). Multiple imputation of "
        "incomplete categorical data using latent class analysis. Sociological Methodology, 38, 369–397.",
    ),
    "mice-pmm": Reference(
        "Little 1988; van Buuren 2018",
        "Little, R. J. A. (1988). Missing-data adjustments in large surveys. Journal of Business & Economic "
        "Statistics, 6, 287–296. van Buuren, S. (2018). Flexible imputation of missing data (2nd ed.). Chapman & "
        "Hall/CRC.",
    ),
    "mice": Reference(
        "van Buuren & Groothuis-Oudshoorn 2011",
        "van Buuren, S., & Groothuis-Oudshoorn, K. (2011). mice: Multivariate imputation by chained equations in R. "
        "Journal of Statistical Software, 45(3).",
    ),
    "mice-cart": Reference(
        "Burgette & Reiter 2010; Doove et al. 2014",
        "Burgette, L. F., & Reiter, J. P. (2010). Multiple imputation for missing data via sequential "
        "regression trees. American Journal of Epidemiology, 172, 1070–1076. Doove, L. L., van Buuren, S., & "
        "Dusseldorp, E. (2014). Recursive partitioning for missing data imputation in the presence of interaction "
        "effects. Computational Statistics & Data Analysis, 72, 92–104.",
    ),
    "mice-rf": Reference(
        "Doove et al. 2014",
        "Doove, L. L., van Buuren, S., & Dusseldorp, E. (2014). Recursive partitioning for missing data imputation in "
        "the presence of interaction effects. Computational Statistics & Data Analysis, 72, 92–104.",
    ),
    "gbm": Reference(
        "Deng & Lumley 2024",
        "Deng, Y., & Lumley, T. (2024). Multiple imputation through XGBoost. Journal of Computational and Graphical "
        "Statistics, 33, 352–363.",
    ),
    "gbm-pmm": Reference(
        "Little 1988; Breiman 1996; Ke et al. 2017",
        "Little, R. J. A. (1988). Missing-data adjustments in large surveys. Journal of Business & Economic "
        "Statistics, 6, 287–296. Breiman, L. (1996). Stacked regressions. Machine Learning, 24, 49–64. Ke, G., Meng, "
        "Q., Finley, T., Wang, T., Chen, W., Ma, W., Ye, Q., & Liu, T.-Y. (2017). LightGBM: A highly efficient "
        "gradient boosting decision tree. NeurIPS 30.",
    ),
    "stacked": Reference(
        "Breiman 1996; Yao et al. 2018; Gneiting & Raftery 2007",
        "Breiman, L. (1996). Stacked regressions. Machine Learning, 24, 49–64. Yao, Y., Vehtari, A., Simpson, D., & "
        "Gelman, A. (2018). Using stacking to average Bayesian predictive distributions. Bayesian Analysis, 13, "
        "917–1007. Gneiting, T., & Raftery, A. E. (2007). Strictly proper scoring rules, prediction, and estimation. "
        "Journal of the American Statistical Association, 102, 359–378.",
    ),
    "miwae": Reference(
        "Mattei & Frellsen 2019",
        "Mattei, P.-A., & Frellsen, J. (2019). MIWAE: Deep generative modelling and imputation of incomplete data "
        "sets. ICML.",
    ),
}
SCORES = (
    "Barnard, J., & Rubin, D. B. (1999). Small-sample degrees of freedom with multiple imputation. Biometrika, 86, "
    "948–955.",
    "Gneiting, T., & Raftery, A. E. (2007). Strictly proper scoring rules, prediction, and estimation. Journal of the "
    "American Statistical Association, 102, 359–378.",
    "Rubin, D. B. (1987). Multiple imputation for nonresponse in surveys. Wiley.",
    "Vink, G., & van Buuren, S. (2014). Pooling multiple imputations when the sample happens to be the population. "
    "arXiv 1409.8542.",
    "White, I. R., Royston, P., & Wood, A. M. (2011). Multiple imputation using chained equations: Issues and guidance "
    "for practice. Statistics in Medicine, 30, 377–399.",
)
