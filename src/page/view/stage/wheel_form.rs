//! What the numbers of an opened network set: the wheel and the pedals.

use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use crate::page::state::{Action, Wheel};
use crate::page::view::props::PageProps;
use crate::vocabulary::driving::{Control, Sets};

#[component]
pub(super) fn WheelForm(PageProps { state, dispatch }: &PageProps) -> Html {
    let Some(steered) = state.steered() else { return Html::default() };
    let (wheel, of) = (&state.wheel, steered.names.len());
    let choose = |at: usize| {
        let wheel = wheel.clone();
        dispatch.reform(move |event: Event| {
            let select: HtmlSelectElement = event.target_unchecked_into();
            let name = select.value();
            let control = Control::ALL.into_iter().find(|control| control.name() == name);
            let factor = wheel.column(at, of).map_or(1.0, |sets| sets.factor);
            let mut wheel = wheel.clone();
            wheel.set(at, of, control.map(|control| Sets { control, factor }));
            Action::SetWheel(wheel)
        })
    };
    let factor = |at: usize, sets: Sets| {
        let set = move |wheel: &mut Wheel, factor| wheel.set(at, of, Some(Sets { factor, ..sets }));
        typed(wheel, dispatch, sets.factor, set)
    };
    let speed = typed(wheel, dispatch, wheel.target_speed, |wheel, speed| {
        wheel.target_speed = speed.abs();
    });
    let row = |(at, name): (usize, &String)| {
        let sets = wheel.column(at, of);
        let option = |control: Control| {
            let selected = sets.is_some_and(|sets| sets.control == control);
            html! { <option {selected}>{ control.name() }</option> }
        };
        html! {
            <div class="fields">
                <label>
                    { format!("{name} sets") }
                    <select data-testid={format!("sets-{at}")} onchange={choose(at)}>
                        <option selected={sets.is_none()}>{"nothing"}</option>
                        { for Control::ALL.into_iter().map(option) }
                    </select>
                </label>
                if let Some(sets) = sets {
                    <label>
                        {"multiplied by"}
                        <input type="text" inputmode="decimal" autocomplete="off"
                            data-testid={format!("factor-{at}")} value={sets.factor.to_string()}
                            aria-label={format!("{name} is multiplied by")}
                            onchange={factor(at, sets)} />
                    </label>
                }
            </div>
        }
    };
    let outputs = wheel.outputs().filter(|outputs| outputs.columns().len() == of);
    let keeps_speed = outputs.as_ref().is_some_and(|outputs| !outputs.have(Control::Gas));
    let says = match &outputs {
        Some(outputs) => format!("It drives by them; natively: --outputs {outputs}."),
        None if steered.may_be_classes => {
            "It drives by the five as scores of classes, unless one of them steers.".into()
        }
        None => "It drives as soon as one of them steers.".into(),
    };
    html! {
        <details class="panel wheel-form" data-testid="wheel-form"
            open={!steered.may_be_classes}>
            <summary>{ format!("What the numbers of {} set", steered.title) }</summary>
            <p class="hint">
                {"Steering is -1 at full left and 1 at full right, gas and brake are 0 to 1. A factor brings \
                  a number to that; a negative one turns its sign round. Pictures enter as your own frames \
                  do."}
            </p>
            { for steered.names.iter().enumerate().map(row) }
            if keeps_speed {
                <label class="inline-field">
                    {"No number says the gas; keep a speed of "}
                    <input type="text" inputmode="decimal" autocomplete="off" class="track"
                        data-testid="target-speed" value={wheel.target_speed.to_string()}
                        onchange={speed} />
                </label>
            }
            <p class="hint" role="status">{ says }</p>
        </details>
    }
}

/// What is no number leaves the one that was.
fn typed(
    wheel: &Wheel,
    dispatch: &Callback<Action>,
    was: f64,
    set: impl Fn(&mut Wheel, f64) + 'static,
) -> Callback<Event> {
    let (wheel, dispatch) = (wheel.clone(), dispatch.clone());
    Callback::from(move |event: Event| {
        let input: HtmlInputElement = event.target_unchecked_into();
        match input.value().trim().replace(',', ".").parse::<f64>() {
            Ok(number) if number.is_finite() && number != 0.0 => {
                let mut wheel = wheel.clone();
                set(&mut wheel, number);
                dispatch.emit(Action::SetWheel(wheel));
            }
            _ => input.set_value(&was.to_string()),
        }
    })
}
