//! Of the last comparison: values over the frames, confusions, what was made, where the time goes.

use yew::prelude::*;

use super::made_panel::MadePanel;
use super::time_section::TimeSection;
use super::values_section::ValuesSection;
use crate::page::state::{Action, Filter};
use crate::page::view::charts::confusion::Confusion;
use crate::page::view::props::PageProps;

#[component]
pub(in crate::page::view) fn Details(PageProps { state, dispatch }: &PageProps) -> Html {
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
            aria-label="Details of the results">
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
