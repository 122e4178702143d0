//! One option of the recipe.

use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use crate::page::options::{Control, RecipeOption};
use crate::page::state::Action;
use crate::vocabulary::recipe::Recipe;

#[derive(PartialEq, Properties)]
pub(in crate::page::view) struct OptionProps {
    pub(in crate::page::view) option: OptionRef,
    pub(in crate::page::view) recipe: Recipe,
    pub(in crate::page::view) dispatch: Callback<Action>,
}

/// An entry of the table of options: there is one of each.
#[derive(Debug, Clone, Copy)]
pub(in crate::page::view) struct OptionRef(pub(in crate::page::view) &'static RecipeOption);

impl PartialEq for OptionRef {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

#[component]
pub(in crate::page::view) fn OptionField(
    OptionProps { option, recipe, dispatch }: &OptionProps,
) -> Html {
    let OptionRef(option) = *option;
    let fault = use_state(|| None::<&'static str>);
    let blocked = (option.blocked)(recipe);
    let (testid, hint) = (format!("option-{}", option.id), format!("option-{}-hint", option.id));
    let disabled = blocked.is_some();
    let recipe = recipe.clone();
    let (class, control) = match option.control {
        Control::Choice { words, get, set } => {
            let chosen = get(&recipe);
            let onchange = dispatch.reform(move |event: Event| {
                let select: HtmlSelectElement = event.target_unchecked_into();
                let mut recipe = recipe.clone();
                set(&mut recipe, select.selected_index().max(0) as usize);
                Action::SetRecipe(Box::new(recipe))
            });
            let word = |(at, word): (usize, &&'static str)| {
                html! { <option selected={at == chosen}>{ *word }</option> }
            };
            let select = html! {
                <select data-testid={testid} {onchange} {disabled} aria-describedby={hint.clone()}>
                    { for words.iter().enumerate().map(word) }
                </select>
            };
            ("field", select)
        }
        Control::Switch { get, set } => {
            let checked = get(&recipe);
            let onchange = dispatch.reform(move |event: Event| {
                let input: HtmlInputElement = event.target_unchecked_into();
                let mut recipe = recipe.clone();
                set(&mut recipe, input.checked());
                Action::SetRecipe(Box::new(recipe))
            });
            let switch = html! {
                <input type="checkbox" data-testid={testid} {checked} {onchange} {disabled}
                    aria-describedby={hint.clone()} />
            };
            ("field field-switch", switch)
        }
        Control::Number { get, set } => {
            let value = get(&recipe);
            let onchange = {
                let (dispatch, fault) = (dispatch.clone(), fault.clone());
                Callback::from(move |event: Event| {
                    let input: HtmlInputElement = event.target_unchecked_into();
                    let mut recipe = recipe.clone();
                    match set(&mut recipe, input.value().trim()) {
                        Ok(()) => {
                            fault.set(None);
                            dispatch.emit(Action::SetRecipe(Box::new(recipe)));
                        }
                        Err(why) => {
                            input.set_value(&get(&recipe));
                            fault.set(Some(why));
                        }
                    }
                })
            };
            let input = html! {
                <input type="text" inputmode="decimal" autocomplete="off" data-testid={testid}
                    {value} {onchange} {disabled} placeholder="all" aria-describedby={hint.clone()} />
            };
            ("field", input)
        }
    };
    html! {
        <div {class}>
            <label><span class="field-name">{ option.name }</span>{ control }</label>
            <p class="hint" id={hint}>
                { option.sentence }
                if let Some(why) = blocked { <span class="blocked">{ format!(" {why}") }</span> }
            </p>
            if let Some(why) = *fault { <p class="fault" role="alert">{ why }</p> }
        </div>
    }
}
