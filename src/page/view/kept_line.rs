//! What the browser keeps, and how it forgets it.

use yew::prelude::*;

use super::props::PageProps;
use crate::page::format;
use crate::page::state::Action;

#[component]
pub(super) fn KeptLine(PageProps { state, dispatch }: &PageProps) -> Html {
    let kept = &state.kept;
    if kept.count() == 0 {
        return Html::default();
    }
    let forget = dispatch.reform(|_: MouseEvent| Action::ForgetKept);
    let count = match kept.count() {
        1 => "1 variant".to_owned(),
        count => format!("{} variants", format::grouped(count)),
    };
    html! {
        <p class="kept hint" data-testid="kept" data-value={kept.count().to_string()}>
            { format!("This browser keeps {count} ({}) for the next visit; nothing of it leaves it. ",
                format::bytes(kept.bytes())) }
            <button type="button" class="button quiet" data-testid="forget-kept" onclick={forget}>
                {"Forget everything"}
            </button>
        </p>
    }
}
