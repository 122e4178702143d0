//! What the recipe tells single layers; each can be taken back.

use yew::prelude::*;

use crate::page::state::Action;
use crate::vocabulary::recipe::Recipe;

#[derive(PartialEq, Properties)]
pub(in crate::page::view) struct LayerChipsProps {
    pub(in crate::page::view) recipe: Recipe,
    pub(in crate::page::view) dispatch: Callback<Action>,
}

#[component]
pub(in crate::page::view) fn LayerChips(
    LayerChipsProps { recipe, dispatch }: &LayerChipsProps,
) -> Html {
    if recipe.keep_float.is_empty() && recipe.layers.is_empty() {
        return Html::default();
    }
    let without = |remove: fn(&mut Recipe, &str), node: &str| {
        let (mut recipe, node) = (recipe.clone(), node.to_owned());
        remove(&mut recipe, &node);
        dispatch.reform(move |_: MouseEvent| Action::SetRecipe(Box::new(recipe.clone())))
    };
    let chip = |node: &str, told: String, onclick: Callback<MouseEvent>| {
        html! {
            <li class="chip" data-testid="layer-chip" data-node={node.to_owned()}>
                <code>{ node }</code>{" "}<span>{ &told }</span>
                <button type="button" class="icon-button" {onclick}
                    aria-label={format!("{node}: no longer {told}")}>{"×"}</button>
            </li>
        }
    };
    let kept = recipe.keep_float.iter().map(|node| {
        let onclick = without(|recipe, node| recipe.keep_float.retain(|kept| kept != node), node);
        chip(node, "in float".to_owned(), onclick)
    });
    let widths = recipe.layers.iter().map(|(node, bits)| {
        let onclick = without(
            |recipe, node| {
                recipe.layers.remove(node);
            },
            node,
        );
        let weights = bits.weight_bits.map(|bits| format!("{bits}-bit weights"));
        let activations = bits.activation_bits.map(|bits| format!("{bits}-bit result"));
        let told: Vec<_> = weights.into_iter().chain(activations).collect();
        chip(node, told.join(", "), onclick)
    });
    html! { <ul class="chips" aria-label="Single layers">{ for kept }{ for widths }</ul> }
}
