//! Float beside int8.

use yew::prelude::*;

use super::made_panel::MadePanel;
use super::time_section::TimeSection;
use super::values_section::ValuesSection;
use crate::page::driving;
use crate::page::format;
use crate::page::state::{Action, Car, Comparison, Driver, Filter, State};
use crate::page::view::around::readouts::Readouts;
use crate::page::view::around::stale::Stale;
use crate::page::view::charts::confusion::Confusion;
use crate::page::view::props::PageProps;
use crate::vocabulary::report::Report;

#[component]
pub(in crate::page::view) fn Results(PageProps { state, dispatch }: &PageProps) -> Html {
    let Some(network) = state.selected() else { return Html::default() };
    let Some(comparison) = state.comparisons.get(&network.id) else { return Html::default() };
    let current = state.is_current(comparison.recipe.as_ref());
    let name = |model: &String| match state.variant(model) {
        Some(variant) => state.variant_name(variant),
        None => state.title(model),
    };
    let names: Vec<_> = comparison.models.iter().map(name).collect();
    let classes = |n: usize| (0..n).map(|class| state.class_label(class)).collect::<Vec<_>>();
    let matrices = comparison.reports.iter().enumerate().filter_map(|(index, report)| {
        let accuracy = report.accuracy.clone()?;
        let classes = classes(accuracy.confusion.len());
        let model = comparison.models[index].clone();
        let open = {
            let model = model.clone();
            dispatch.reform(move |(label, said): (u16, u16)| {
                let (label, says) = (Some(label), Some((model.clone(), said)));
                Action::ShowFiltered(Filter { label, says, ..Filter::default() })
            })
        };
        Some(html! {
            <Confusion {index} {accuracy} {classes} {model} {open}
                title={names[index].clone()} />
        })
    });
    let matrices: Vec<Html> = matrices.collect();
    let trained = state.qat.get(&network.id).filter(|made| comparison.models.contains(&made.id));
    let made = state.made.get(&network.id);
    let made: Vec<Html> = [(false, made), (true, trained)]
        .into_iter()
        .filter_map(|(trained, made)| {
            let made = made?.clone();
            Some(html! { <MadePanel {trained} {made} dispatch={dispatch.clone()} /> })
        })
        .collect();
    html! {
        <section class={classes!("results", (!current).then_some("of-another-recipe"))}
            data-testid="results" aria-label="Results" data-value={comparison.seconds.to_string()}
            data-current={current.to_string()}>
            <Stale state={state.clone()} recipe={comparison.recipe.clone()} />
            if comparison.judging != state.judging_of(&network.id) {
                <p class="stale" data-testid="judged-otherwise" role="status">
                    <b>{"Judged otherwise: "}</b>
                    {"what the outputs say was changed since; it holds from the next measuring on."}
                </p>
            }
            <p class="verdict" data-testid="verdict" role="status">{ &comparison.verdict }</p>
            if let Some(sentence) = driven(state, comparison) {
                <p class="verdict-drive" data-testid="verdict-drive" role="status">{ sentence }</p>
            }
            <p class="hint">{ provenance(comparison) }</p>
            // Of more, the table says it better.
            if comparison.models.len() <= 3 {
                <Readouts comparison={comparison.clone()} />
            }
            <ValuesSection comparison={comparison.clone()} dispatch={dispatch.clone()} />
            <div class="detail">
                if !matrices.is_empty() {
                    <div class="panel matrices">
                        <h3>{"Which frames it gets right"}</h3>
                        <p class="hint">{"A row per true class, a column per answer; a cell opens its frames."}</p>
                        <div class="matrix-row">{ for matrices }</div>
                    </div>
                }
                if !made.is_empty() {
                    <div class="made-here">{ for made }</div>
                }
            </div>
            <TimeSection comparison={comparison.clone()} made={state.made.get(&network.id).cloned()} />
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
