//! Where a network's work is done: a bar per layer, as high as its share of the MACs.

use yew::prelude::*;

use crate::lab::protocol::Layer;

const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 28.0;
const GAP: f64 = 2.0;

#[derive(PartialEq, Properties)]
pub(crate) struct LayerProfileProps {
    pub(crate) layers: Vec<Layer>,
}

#[component]
pub(crate) fn LayerProfile(props: &LayerProfileProps) -> Html {
    let layers: Vec<_> = props.layers.iter().filter(|layer| layer.macs > Some(0)).collect();
    let most = layers.iter().filter_map(|layer| layer.macs).max().unwrap_or(1) as f64;
    let pitch = (WIDTH + GAP) / layers.len().max(1) as f64;
    let width = if pitch > 2.0 * GAP { pitch - GAP } else { pitch };
    let bar = |(i, layer): (usize, &&Layer)| {
        // A square root keeps small layers visible beside large ones.
        let height = (layer.macs.unwrap_or(0) as f64 / most).sqrt() * HEIGHT;
        html! {
            <rect class={class(layer)} x={format!("{:.1}", i as f64 * pitch)} width={format!("{width:.1}")}
                y={format!("{:.1}", HEIGHT - height)} height={format!("{height:.1}")} />
        }
    };
    html! {
        <svg class="profile" viewBox={format!("0 0 {WIDTH} {HEIGHT}")} preserveAspectRatio="none"
            role="img" aria-label={format!("{} layers with weights", layers.len())}>
            { for layers.iter().enumerate().map(bar) }
        </svg>
    }
}

fn class(layer: &Layer) -> &'static str {
    if layer.op.contains("Conv") { "layer-conv" } else { "layer-dense" }
}
