//! What the chosen network's outputs say, where the labels don't tell.

use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use crate::page::state::Action;
use crate::page::view::props::PageProps;
use crate::vocabulary::task::{Bins, Judging, Task, tolerance};

/// What an output can be said to be; the first is what nothing is said of.
const CHOICES: [(Option<Task>, &str); 4] = [
    (None, "as the labels tell"),
    (Some(Task::Classes), "classes: a score for each"),
    (Some(Task::Values), "values, such as an angle"),
    (Some(Task::None), "neither: only how far it moves"),
];

#[component]
pub(in crate::page::view) fn OutputsField(PageProps { state, dispatch }: &PageProps) -> Html {
    let fault = use_state(|| None::<String>);
    let Some(inspection) = state.selected().and_then(|network| network.inspection()) else {
        return Html::default();
    };
    let judging = &state.judging;
    let say = |judging: &Judging, set: &dyn Fn(&mut Judging)| {
        let mut judging = judging.clone();
        set(&mut judging);
        Action::SetJudging(judging)
    };
    let typed = {
        let (judging, dispatch, fault) = (judging.clone(), dispatch.clone(), fault.clone());
        move |read: fn(&mut Judging, &str, &str) -> Result<(), String>, output: &str| {
            let (judging, dispatch, fault) = (judging.clone(), dispatch.clone(), fault.clone());
            let output = output.to_owned();
            Callback::from(move |event: Event| {
                let input: HtmlInputElement = event.target_unchecked_into();
                let mut judging = judging.clone();
                match read(&mut judging, &output, input.value().trim()) {
                    Ok(()) => {
                        fault.set(None);
                        dispatch.emit(Action::SetJudging(judging));
                    }
                    Err(why) => fault.set(Some(why)),
                }
            })
        }
    };
    let row = |name: &String| {
        let said = judging.outputs.get(name).copied().or(judging.task);
        let choose = {
            let (judging, name) = (judging.clone(), name.clone());
            dispatch.reform(move |event: Event| {
                let select: HtmlSelectElement = event.target_unchecked_into();
                let at = select.selected_index().max(0) as usize;
                let said = CHOICES.get(at).and_then(|(task, _)| *task);
                say(&judging, &|judging| {
                    match said {
                        Some(task) => judging.outputs.insert(name.clone(), task),
                        None => judging.outputs.remove(&name),
                    };
                    judging.task = None;
                })
            })
        };
        let option = |(task, words): &(Option<Task>, &'static str)| html! { <option selected={*task == said}>{ *words }</option> };
        let bins = judging.bins.get(name).map_or_else(String::new, Bins::to_string);
        html! {
            <div class="fields">
                <label>
                    { format!("{name} says") }
                    <select data-testid={format!("task-{name}")} onchange={choose}>
                        { for CHOICES.iter().map(option) }
                    </select>
                </label>
                if matches!(said, None | Some(Task::Classes)) {
                    <label>
                        { "its classes are bins of a value" }
                        <input type="text" data-testid={format!("bins-{name}")} value={bins}
                            placeholder="none; such as -1:1:15" autocomplete="off"
                            onchange={typed(set_bins, name)} />
                    </label>
                }
            </div>
        }
    };
    let within = judging.tolerance.map_or_else(String::new, |within| within.to_string());
    let outputs = inspection.outputs.iter().map(|output| row(&output.name));
    html! {
        <details class="preprocessing">
            <summary>{"What the outputs say"}</summary>
            <p class="hint">
                {"Labels usually tell: whole numbers are classes, others are values. Say it here where \
                  they do not. A value within the tolerance of its label is counted as right. It holds \
                  from the next measuring on."}
            </p>
            { for outputs }
            <div class="fields">
                <label>
                    { "tolerance of values" }
                    <input type="text" inputmode="decimal" data-testid="tolerance" value={within}
                        placeholder="none" autocomplete="off" onchange={typed(set_tolerance, "")} />
                </label>
            </div>
            if let Some(fault) = &*fault {
                <p class="fault" role="alert">{ fault }</p>
            }
        </details>
    }
}

fn set_bins(judging: &mut Judging, output: &str, text: &str) -> Result<(), String> {
    match text {
        "" => judging.bins.remove(output),
        _ => judging.bins.insert(output.to_owned(), text.parse()?),
    };
    Ok(())
}

fn set_tolerance(judging: &mut Judging, _: &str, text: &str) -> Result<(), String> {
    judging.tolerance = if text.is_empty() { None } else { Some(tolerance(text)?) };
    Ok(())
}
