//! A heading that sorts its table.

use yew::prelude::*;

use crate::page::sorting::Sorting;

/// What it sorts by, and what it says.
#[derive(Clone, Copy)]
pub(in crate::page::view) struct Heading<'a, C> {
    pub(in crate::page::view) column: C,
    pub(in crate::page::view) testid: &'a str,
    pub(in crate::page::view) name: &'a str,
    /// Behind "Sort by".
    pub(in crate::page::view) says: &'a str,
}

impl<'a, C> Heading<'a, C> {
    pub(in crate::page::view) const fn new(
        column: C,
        testid: &'a str,
        name: &'a str,
        says: &'a str,
    ) -> Self {
        Self { column, testid, name, says }
    }
}

/// The cell, `rows` rows high.
pub(in crate::page::view) fn sort_heading<C>(
    heading: &Heading<'_, C>,
    sorting: &UseStateHandle<Sorting<C>>,
    rows: usize,
) -> Html
where
    C: Copy + Default + PartialEq + 'static,
{
    let direction = sorting.direction(heading.column);
    let arrow = match direction {
        Some("ascending") => " ↑",
        Some(_) => " ↓",
        None => "",
    };
    let onclick = {
        let (sorting, pressed) = (sorting.clone(), sorting.pressed(heading.column));
        Callback::from(move |_: MouseEvent| sorting.set(pressed))
    };
    html! {
        <th scope="col" rowspan={rows.to_string()} aria-sort={direction}>
            <button type="button" class="sort" data-testid={heading.testid.to_owned()}
                title={format!("Sort by {}", heading.says)} {onclick}>
                { heading.name }<span aria-hidden="true">{ arrow }</span>
            </button>
        </th>
    }
}
