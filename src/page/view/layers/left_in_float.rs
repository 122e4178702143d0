//! The nodes that stay on floats in an int8 network, and why.

use yew::prelude::*;

use crate::vocabulary::quantization::LeftInFloat;

#[derive(PartialEq, Properties)]
pub(in crate::page::view) struct LeftInFloatProps {
    pub(in crate::page::view) nodes: Vec<LeftInFloat>,
}

#[component]
pub(in crate::page::view) fn LeftInFloatList(
    LeftInFloatProps { nodes }: &LeftInFloatProps,
) -> Html {
    let item = |node: &LeftInFloat| {
        html! { <li><code>{ &node.node }</code>{ format!(" ({}): {}", node.op, node.why) }</li> }
    };
    html! {
        <div class="left" data-testid="left-in-float" data-value={nodes.len().to_string()}>
            if nodes.is_empty() {
                <p>{"Nothing was left in float."}</p>
            } else {
                <p>{ format!("{} left in float:", nodes.len()) }</p>
                <ul>{ for nodes.iter().map(item) }</ul>
            }
        </div>
    }
}
