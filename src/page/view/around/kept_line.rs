//! What the browser keeps, and how it forgets it.

use yew::prelude::*;

use crate::page::format;
use crate::page::state::Action;
use crate::page::view::props::PageProps;

#[component]
pub(in crate::page::view) fn KeptLine(PageProps { state, dispatch }: &PageProps) -> Html {
    let (kept, own) = (&state.kept, &state.own_files);
    let counted = [
        (kept.count(), "variant", "variants"),
        (own.networks.len(), "network of your own", "networks of your own"),
        (own.frames.len(), "set of frames", "sets of frames"),
    ];
    let counted = counted.into_iter().filter(|(count, ..)| *count > 0);
    let counted: Vec<String> = counted
        .map(|(count, one, many)| {
            format!("{} {}", format::grouped(count), if count == 1 { one } else { many })
        })
        .collect();
    if counted.is_empty() {
        return Html::default();
    }
    let forget = dispatch.reform(|_: MouseEvent| Action::ForgetKept);
    html! {
        <p class="kept hint" data-testid="kept" data-value={kept.count().to_string()}>
            { format!("This browser keeps {} ({}) for the next visit; nothing of it leaves it. ",
                counted.join(", "), format::bytes(kept.bytes() + own.bytes())) }
            <button type="button" class="button quiet" data-testid="forget-kept" onclick={forget}>
                {"Forget everything"}
            </button>
        </p>
    }
}
