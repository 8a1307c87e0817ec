"""What every imputer must do, as rules whose names say what was broken; ``CHECKS`` need no process of their own."""

from imputers.conformance import audit, basics, demands, dependence, draws, settings, sharing, traces
from imputers.conformance.basics import declares_its_parameters, keeps_nothing_on_itself_after_fit
from imputers.conformance.rule import Check, ConformanceError
from imputers.conformance.tables import example_table

__all__ = [
    "CHECKS",
    "ISOLATED",
    "Check",
    "ConformanceError",
    "declares_its_parameters",
    "example_table",
    "keeps_nothing_on_itself_after_fit",
]

CHECKS: tuple[Check, ...] = (
    basics.fills_every_hole_with_a_valid_answer,
    basics.same_seed_same_prediction,
    basics.draws_are_what_they_say,
    basics.leaves_its_input_alone,
    basics.leaves_global_generators_alone,
    basics.keeps_nothing_on_itself_after_fit,
    basics.declares_its_parameters,
    basics.fills_rows_it_was_not_fitted_on,
    basics.fills_a_row_without_any_answer,
    basics.fills_a_constant_column_with_its_constant,
    basics.takes_a_table_without_holes,
    basics.transforms_a_frame,
    basics.reads_text_or_says_that_it_does_not,
    basics.is_a_scikit_learn_estimator,
)
ISOLATED: tuple[Check, ...] = (
    basics.writes_hooks_that_are_called,
    draws.gives_as_many_draws_as_asked,
    draws.draws_differ_in_more_than_a_cell,
    draws.parts_agree,
    dependence.a_second_prediction_is_the_first,
    dependence.a_second_fit_forgets_the_first,
    dependence.instances_share_nothing,
    dependence.another_seed_of_impute_gives_other_draws,
    dependence.a_frame_is_filled_as_its_codes,
    dependence.column_names_change_nothing,
    dependence.order_of_rows_changes_nothing,
    dependence.order_of_columns_changes_nothing,
    dependence.the_table_to_fill_teaches_nothing,
    demands.takes_weights,
    demands.fills_ten_rows,
    demands.fills_a_wide_table,
    settings.leaves_all_generators_alone,
    settings.leaves_settings_of_the_process_alone,
    sharing.keeps_nothing_on_its_class_or_module,
    sharing.replaces_no_code_of_others,
    traces.leaves_no_process_or_thread,
    audit.writes_no_file,
    traces.is_quiet,
    traces.computes_without_waiting,
    audit.minds_its_own_business,
    demands.fills_a_long_table,
)
