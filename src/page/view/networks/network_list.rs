//! The networks to choose from.

use yew::prelude::*;

use super::network_card::NetworkCard;
use crate::page::state::{Network, Origin};
use crate::page::view::data::file_button::FileButton;
use crate::page::view::data::opener::Opener;
use crate::page::view::props::PageProps;
use crate::web::files::Selection;

#[component]
pub(in crate::page::view) fn NetworkList(PageProps { state, dispatch }: &PageProps) -> Html {
    let opener = use_context::<Opener>().expect("the app provides an opener");
    let picked = Callback::from(move |selection: Selection| opener.models(selection));
    let card = |network: &Network| {
        html! {
            <NetworkCard key={network.id.clone()} network={network.clone()}
                selected={state.selected.as_ref() == Some(&network.id)}
                dispatch={dispatch.clone()} />
        }
    };
    let group = |title: &'static str, of: fn(&Origin) -> bool| {
        let mut cards = state.networks.iter().filter(|n| of(&n.origin)).map(card).peekable();
        cards.peek().is_some().then(|| {
            html! {
                <fieldset class="group">
                    <legend>{ title }</legend>
                    { for cards }
                </fieldset>
            }
        })
    };
    html! {
        <aside class="networks" aria-label="Networks">
            // First, where it is seen on every screen.
            <div class="open">
                <FileButton testid="open-model" text="Open an .onnx file"
                    accept=".onnx,.data,.onnx_data,.bin" multiple=true {picked} />
                <span class="hint">{"or drop it anywhere"}</span>
            </div>
            <div class="shelf">
                { group("Networks", |origin| matches!(origin, Origin::Bundled { .. })) }
                { group("Yours", |origin| matches!(origin, Origin::Opened)) }
                { group("int8 already, made by others", |origin| matches!(origin, Origin::Example { .. })) }
            </div>
        </aside>
    }
}
