//! What the last comparison came to, in a sentence and the four figures that matter.

use yew::prelude::*;

use crate::page::driving;
use crate::page::format;
use crate::page::state::{Car, Comparison, Driver, State};
use crate::page::view::around::readouts::Readouts;
use crate::page::view::around::stale::Stale;
use crate::page::view::props::PageProps;
use crate::report::verdict;
use crate::vocabulary::report::{Pace, Report};

#[component]
pub(in crate::page::view) fn Results(PageProps { state, .. }: &PageProps) -> Html {
    let Some(network) = state.selected() else { return Html::default() };
    let Some(comparison) = state.comparisons.get(&network.id) else { return Html::default() };
    let current = state.is_current(comparison.recipe.as_ref());
    // Of several values it is no headline any more.
    let is_long = comparison.verdict.len() > 180;
    html! {
        <section class={classes!("results", (!current).then_some("of-another-recipe"))}
            data-testid="results" aria-label="Results" data-value={comparison.seconds.to_string()}
            data-current={current.to_string()}>
            // Above the figures' own headings.
            <h2 class="unseen">{"The last comparison"}</h2>
            <Stale state={state.clone()} recipe={comparison.recipe.clone()} />
            if comparison.judging != state.judging_of(&network.id) {
                <p class="stale" data-testid="judged-otherwise" role="status">
                    <b>{"Judged otherwise: "}</b>
                    {"what the outputs say was changed since; it holds from the next measuring on."}
                </p>
            }
            <p class={classes!("verdict", is_long.then_some("long"))} data-testid="verdict" role="status">
                { &comparison.verdict }
            </p>
            if let Some(sentence) = on_tracks(state, comparison) {
                <p class="verdict-drive" data-testid="verdict-tracks">{ sentence }</p>
            }
            if let Some(sentence) = driven(state, comparison) {
                <p class="verdict-drive" data-testid="verdict-drive" role="status">{ sentence }</p>
            }
            if let Some(words) = verdict::caution(&comparison.reports) {
                <p class="hint noted" data-testid="caution">{ words }</p>
            }
            <p class="hint">{ provenance(comparison) }</p>
            if comparison.judged_by_calibration {
                <p class="hint" data-testid="judged-by-calibration">
                    {"The same frames set the ranges: on others it may lose more. Load a second set in Data to know."}
                </p>
            }
            if let Some(words) = unsteady(&comparison.reports) {
                <p class="hint" data-testid="unsteady">{ words }</p>
            }
            // Of more, the table says it better.
            if comparison.models.len() <= 3 {
                <Readouts comparison={comparison.clone()} />
            }
        </section>
    }
}

/// How the networks of a comparison drive, as far as the stage has seen both to the end.
fn driven(state: &State, comparison: &Comparison) -> Option<String> {
    let ground = state.stage.ground.as_ref()?;
    let [a, b] = &state.stage.cars[..] else { return None };
    let variant = |car: &Car| {
        let Driver::Network(model) = &car.driver else { return None };
        let at = comparison.models.iter().position(|other| other == model)?;
        Some(&*comparison.reports.get(at)?.variant)
    };
    driving::sentence(ground, [(variant(a)?, &a.drive), (variant(b)?, &b.drive)])
}

/// What their drives on many tracks come to, each beside float's.
fn on_tracks(state: &State, comparison: &Comparison) -> Option<String> {
    let Comparison { models, reports, .. } = comparison;
    let driven = |place: usize| state.variant(models.get(place)?)?.driven.as_deref();
    let float = reports.iter().position(|report| report.variant == "float")?;
    let others = (0..reports.len()).filter(|&place| place != float);
    let said = others.filter_map(|place| {
        let road = verdict::road(driven(float)?, driven(place)?, None)?;
        Some(format!("{}: {road}.", reports[place].model))
    });
    let said: Vec<String> = said.collect();
    (!said.is_empty()).then(|| said.join(" "))
}

/// That a latency can hardly be told on a machine that did other work meanwhile.
fn unsteady(reports: &[Report]) -> Option<String> {
    /// Half of the widest interval that still says something, over its latency.
    const STEADY: f64 = 0.15;
    let half = |report: &Report| {
        let latency = report.latency_ms.as_ref()?;
        Some((latency.ci95[1] - latency.ci95[0]) / 2.0 / latency.p50)
    };
    let widest = reports.iter().filter_map(half).fold(0.0, f64::max);
    let mut speedups = reports.iter().filter_map(|report| report.speedup_over_float.as_ref());
    let known = if widest > STEADY {
        format!("The latencies are known only to within ±{}", format::whole_percent(widest))
    } else if speedups.any(|speedup| matches!(speedup.pace(), Pace::Between(..))) {
        "How they differ cannot be told in one number".to_owned()
    } else {
        return None;
    };
    Some(format!(
        "{known}: this machine was doing other work. Measure all, once it is idle, times them again."
    ))
}

fn provenance(comparison: &Comparison) -> String {
    let counted = |report: &Report| {
        let accuracy = report.accuracy.as_ref().map(|accuracy| accuracy.n);
        accuracy.or_else(|| report.values.as_ref().map(|values| values.n))
    };
    let count = comparison.reports.iter().find_map(counted);
    let count = count.map_or(String::new(), |n| format!(" ({})", format::grouped(n)));
    format!(
        "Measured in this browser on {}{count}, {} after the button was pressed.",
        comparison.validation,
        format::seconds(comparison.seconds)
    )
}
