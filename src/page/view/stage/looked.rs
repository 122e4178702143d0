//! One picture, and what each network on the stage would do with it.

use web_sys::{HtmlCanvasElement, HtmlSelectElement};
use yew::prelude::*;

use super::answer::shares;
use super::show::{SIDE, opaque};
use crate::page::format;
use crate::page::state::{Action, Answer};
use crate::page::view::pixels;
use crate::page::view::props::PageProps;
use crate::vocabulary::stage::ACTIONS;

#[component]
pub(super) fn LookedAt(PageProps { state, dispatch }: &PageProps) -> Html {
    let canvas = use_node_ref();
    let chosen = use_state(|| None::<usize>);
    let looked = state.stage.looked.clone();
    let picture = looked.as_ref().map(|looked| (looked.step, looked.seen.clone()));
    use_effect_with((canvas.clone(), picture), |(canvas, picture)| {
        if let (Some(canvas), Some((_, seen))) = (canvas.cast::<HtmlCanvasElement>(), picture) {
            // The answers stand without it.
            pixels::show(&canvas, SIDE, &opaque(seen)).ok();
        }
    });
    let Some(looked) = looked else { return Html::default() };
    let close = dispatch.reform(|_: MouseEvent| Action::LookAt(None));
    let proposed = looked.answers.values().next().map_or(0, best);
    let class = (*chosen).unwrap_or(proposed);
    let choose = {
        let chosen = chosen.clone();
        Callback::from(move |event: Event| {
            let select: HtmlSelectElement = event.target_unchecked_into();
            chosen.set(usize::try_from(select.selected_index()).ok());
        })
    };
    let add = dispatch.reform(move |_: MouseEvent| Action::AddLooked(class));
    let answers = looked.answers.iter().map(|(model, answer)| {
        html! {
            <li data-testid="looked-answer" data-model={model.clone()}>
                <b>{ state.title(model) }</b>{ format!(": {}", says(answer)) }
            </li>
        }
    });
    let options = ACTIONS.iter().enumerate().map(|(i, name)| {
        html! { <option selected={i == class}>{ *name }</option> }
    });
    html! {
        <div class="panel looked" data-testid="looked" role="group" aria-label="One picture">
            <canvas ref={canvas} width="96" height="96" role="img" aria-label="The picture, enlarged" />
            <div>
                <h3>{ format!("Before step {}", looked.step) }</h3>
                <ul class="looked-answers">{ for answers }</ul>
                <p class="hint">{ apart(looked.answers.values()) }</p>
                <div class="drive-row">
                    <label class="inline-field">
                        {"Right would be "}
                        <select data-testid="looked-class" onchange={choose}>{ for options }</select>
                    </label>
                    <button type="button" class="button quiet" data-testid="add-looked" onclick={add}>
                        {"Add to my frames"}
                    </button>
                    <button type="button" class="button quiet" data-testid="close-looked" onclick={close}>
                        {"Close"}
                    </button>
                </div>
            </div>
        </div>
    }
}

/// The class with the highest score, or nothing.
fn best(answer: &Answer) -> usize {
    let scores = answer.numbers.iter().copied().enumerate();
    scores
        .reduce(|best, other| if other.1 > best.1 { other } else { best })
        .map_or(0, |best| best.0)
}

fn says(answer: &Answer) -> String {
    if answer.numbers.len() != ACTIONS.len() {
        let [steering, gas, brake] = answer.controls;
        return format!("steering {steering:.2}, gas {gas:.2}, brake {brake:.2}");
    }
    let mut shares: Vec<(usize, f32)> = shares(&answer.numbers).into_iter().enumerate().collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1));
    let word = |(class, share): &(usize, f32)| {
        format!("{} {}", ACTIONS[*class], format::whole_percent(f64::from(*share)))
    };
    shares.iter().take(2).map(word).collect::<Vec<_>>().join(", ")
}

/// What two answers do differently, as the car feels it.
fn apart<'a>(answers: impl Iterator<Item = &'a Answer>) -> String {
    let controls: Vec<[f32; 3]> = answers.map(|answer| answer.controls).collect();
    let [a, b] = controls[..] else { return String::new() };
    if a == b {
        return "Both do the same.".into();
    }
    let part = |(name, i): (&str, usize)| {
        let by = b[i] - a[i];
        (by != 0.0).then(|| format!("{name} by {by:+.2}"))
    };
    let parts = [("steering", 0), ("gas", 1), ("brake", 2)].into_iter().filter_map(part);
    format!("The second differs in {}.", parts.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_put_into_words() {
        let answer = |numbers: &[f32], controls| Answer { numbers: numbers.to_vec(), controls };
        let gas = answer(&[0.0, 0.0, 0.0, 9.0, 7.0], [0.0, 0.2, 0.0]);
        assert_eq!((best(&gas), &says(&gas)[..]), (3, "gas 88%, brake 12%"));
        let left = answer(&[0.1], [-0.6, 0.2, 0.0]);
        assert_eq!(says(&left), "steering -0.60, gas 0.20, brake 0.00");
        assert_eq!(apart([&gas, &left].into_iter()), "The second differs in steering by -0.60.");
        assert_eq!(apart([&gas, &gas].into_iter()), "Both do the same.");
    }
}
