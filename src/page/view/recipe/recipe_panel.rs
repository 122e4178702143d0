//! The recipe: presets, what single layers are told, every option, and how to take it away.

use yew::prelude::*;

use super::option_field::{OptionField, OptionRef};
use crate::page::options::{GROUPS, Group};
use crate::page::presets::{PRESETS, Preset};
use crate::page::state::{Action, Network};
use crate::page::view::around::explain::words;
use crate::page::view::around::share::Share;
use crate::page::view::layers::layer_chips::LayerChips;
use crate::page::view::props::PageProps;
use crate::report::words as spoken;

#[component]
pub(in crate::page::view) fn RecipePanel(PageProps { state, dispatch }: &PageProps) -> Html {
    // A file with scales of its own has no use for one.
    if state.selected().is_some_and(|n| n.inspection().is_some() && !n.is_float()) {
        return Html::default();
    }
    let recipe = &state.recipe;
    let chosen = Preset::of(recipe);
    let preset = |preset: &'static Preset| {
        let checked = chosen.is_some_and(|chosen| chosen.id == preset.id);
        let onchange = {
            let recipe = recipe.clone();
            dispatch.reform(move |_: Event| Action::SetRecipe(Box::new(preset.instead_of(&recipe))))
        };
        html! {
            <label class={classes!("preset", checked.then_some("chosen"))} title={preset.purpose}
                data-testid={format!("preset-{}", preset.id)}>
                <input type="radio" name="preset" class="choice" {checked} {onchange} />
                { preset.name }
            </label>
        }
    };
    let purpose = chosen.map_or_else(
        || format!("Your own: {}.", spoken::recipe(recipe)),
        |preset| preset.purpose.to_owned(),
    );
    let exact = recipe.to_short_json().unwrap_or_default();
    html! {
        <section class="recipe" aria-label="Recipe">
            <div class="recipe-head">
                <h2>{"Recipe"}</h2>
                <p class="hint" data-testid="recipe" data-value={exact} role="status">{ purpose }</p>
            </div>
            <fieldset class="presets">
                <legend class="unseen">{"Recipes to start from"}</legend>
                { for PRESETS.iter().map(preset) }
            </fieldset>
            <LayerChips recipe={recipe.clone()} dispatch={dispatch.clone()} />
            if let Some(fault) = state.recipe_fault() {
                <p class="fault" role="alert" data-testid="recipe-fault">{ fault.to_string() }</p>
            }
            { words(&["scale", "zero-point", "per-channel", "calibration", "adaround", "qdq"]) }
            <details class="options">
                <summary data-testid="options">{"All options"}</summary>
                <div class="option-groups">
                    { for GROUPS.iter().map(|group| self::group(group, state, dispatch)) }
                </div>
            </details>
            if state.selected().is_some_and(Network::is_float) {
                <Share state={state.clone()} dispatch={dispatch.clone()} />
            }
        </section>
    }
}

fn group(
    group: &'static Group,
    state: &crate::page::view::props::Snapshot,
    dispatch: &Callback<Action>,
) -> Html {
    let options = group.options.iter().map(|option| {
        html! {
            <OptionField key={option.id} option={OptionRef(option)} recipe={state.recipe.clone()}
                dispatch={dispatch.clone()} />
        }
    });
    html! {
        <fieldset class="option-group">
            <legend>{ group.name }</legend>
            { for options }
        </fieldset>
    }
}
