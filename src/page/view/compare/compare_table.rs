//! Every variant of the chosen network: a column each, what differs from the baseline, and what makes it
//! again.

use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::page::format;
use crate::page::state::{
    Action, ColumnChange, Copy, Export, Job, Step, TableChange, Variant, Variants,
};
use crate::page::table::{self, Format, between};
use crate::page::terms::Term;
use crate::page::view::around::explain::why;
use crate::page::view::charts::series;
use crate::page::view::props::{PageProps, Snapshot};
use crate::report::figure::Column;
use crate::report::rows::{Cell, Difference, Row};

#[component]
pub(in crate::page::view) fn CompareTable(PageProps { state, dispatch }: &PageProps) -> Html {
    let Some(variants) = state.bench() else { return nothing(state) };
    let columns = state.columns();
    if columns.iter().all(|column| column.report.is_none()) {
        return nothing(state);
    }
    let rows = table::rows(&columns);
    let only = variants.only_differences && columns.len() > 1;
    let shown = rows.iter().filter(|row| !only || !row.is_same());
    let apart = columns.iter().any(|c| c.report.is_some() && c.run != columns[0].run);
    let elsewhere = columns.iter().any(|c| c.report.is_some() && c.frames != columns[0].frames);
    html! {
        <section class="panel compare" aria-label="Variants">
            { tools(state, variants, dispatch) }
            if apart {
                <p class="hint">
                    {"Not all were timed together: their latencies are compared with float's of the same \
                      minute, and not with one another. Measure all times them in turns."}
                </p>
            }
            if elsewhere {
                <p class="hint">{"Not all answered the same frames; what those say is not compared."}</p>
            }
            // Can be scrolled sideways, so the keyboard has to reach it.
            <div class="scroller" tabindex="0" role="region" aria-label="All figures">
                <table class="compare-table" data-testid="compare-table"
                    data-value={columns.len().to_string()}>
                    <thead><tr>
                        <th scope="col"><span class="unseen">{"Figure"}</span></th>
                        { for columns.iter().map(|column| head(column, state, variants, dispatch)) }
                    </tr></thead>
                    <tbody>{ for shown.map(|row| self::row(row, &columns, variants, dispatch)) }</tbody>
                    <tfoot>
                        <tr>
                            <th scope="row">{"Made again by"}</th>
                            { for columns.iter().map(|column| again(column, state, variants, dispatch)) }
                        </tr>
                        <tr>
                            <th scope="row">{"This column"}</th>
                            { for columns.iter().map(|column| handles(column, state, variants, dispatch)) }
                        </tr>
                    </tfoot>
                </table>
            </div>
        </section>
    }
}

fn nothing(state: &Snapshot) -> Html {
    let measures = |job: &Job| matches!(job.step, Step::Quantize | Step::Compare);
    let hint = match state.job.as_ref().is_some_and(measures) {
        true => {
            "It is being measured: the figures come here, and every recipe that you carry out afterwards \
                 gets a column of its own."
        }
        false => {
            "Nothing is measured yet. Quantize the network where the cars drive: float and int8 come \
                  here, and every recipe that you carry out afterwards gets a column of its own."
        }
    };
    html! { <p class="panel hint" data-testid="nothing-compared">{ hint }</p> }
}

fn tools(state: &Snapshot, variants: &Variants, dispatch: &Callback<Action>) -> Html {
    let button = |testid: &'static str, name: String, action: Action, able: bool| {
        let onclick = dispatch.reform(move |_: MouseEvent| action.clone());
        html! {
            <button type="button" class="button quiet" data-testid={testid} {onclick}
                disabled={!able}>{ name }</button>
        }
    };
    let change = |change| Action::ChangeTable(change);
    let copy = |testid: &'static str, name: &str, format: Format| {
        let what = Copy::Table(format);
        let name = if state.copied == Some(what) { "Copied" } else { name };
        button(testid, name.to_owned(), Action::Copy(what), true)
    };
    let (count, hidden) = (variants.shown().count(), variants.hidden());
    let able = state.can_measure_all();
    let only = dispatch.reform(|event: Event| {
        let checked = event.target_unchecked_into::<HtmlInputElement>().checked();
        Action::ChangeTable(TableChange::OnlyDifferences(checked))
    });
    html! {
        <div class="compare-tools">
            { button("measure-all", format!("Measure all {count} in turns"), Action::MeasureAll, able) }
            // What cannot drive here is told on the stage, why; a grey button would only be a riddle.
            if state.drives_here() {
                { button("drive-all", "Let them drive".into(), Action::DriveAll, able) }
            }
            <label class="switch">
                <input type="checkbox" data-testid="only-differences" onchange={only}
                    checked={variants.only_differences} />
                {"Differences only"}
            </label>
            if hidden > 0 {
                { button("show-hidden", format!("Show {hidden} hidden"), change(TableChange::ShowHidden), true) }
            }
            { button("undo", "Undo".into(), change(TableChange::Undo), variants.can_undo()) }
            { link_of_all(state, dispatch) }
            <span class="copies" role="group" aria-label="Save as a file">
                {"Save "}
                { button("save-html", "Report (HTML)".into(), Action::Export(Export::Html), true) }
                { button("save-markdown", "Markdown".into(), Action::Export(Export::Markdown), true) }
                { button("save-csv", "CSV".into(), Action::Export(Export::Csv), true) }
            </span>
            <span class="copies" role="group" aria-label="Copy as text">
                {"Copy as "}
                { copy("copy-markdown", "Markdown", Format::Markdown) }
                { copy("copy-csv", "CSV", Format::Csv) }
                { copy("copy-json", "JSON", Format::Json) }
            </span>
            <span class="unseen" role="status">
                if matches!(state.copied, Some(Copy::Table(_) | Copy::LinkOfAll)) { {"Copied"} }
            </span>
        </div>
    }
}

/// A link that makes all of them again.
fn link_of_all(state: &Snapshot, dispatch: &Callback<Action>) -> Html {
    let Some(link) = state.shared_link() else { return Html::default() };
    let count = link.shared.as_ref().map_or(0, |shared| shared.variants.len());
    let onclick = dispatch.reform(|_: MouseEvent| Action::Copy(Copy::LinkOfAll));
    let name = match state.copied {
        Some(Copy::LinkOfAll) => "Copied".to_owned(),
        _ => format!("Copy a link to all {}", count + 1),
    };
    let left_out = state.left_out();
    html! {
        <>
            <button type="button" class="button quiet" data-testid="copy-link-of-all" {onclick}
                data-value={link.fragment()}
                title="Who opens it makes the same files in their own browser, and sees whether they are the same">
                { name }
            </button>
            if left_out > 0 {
                <span class="hint">
                    { format!("{left_out} of them are in no link, which names one set of your own frames to \
                        calibrate and one to train on: open again what they were calibrated on, or hide \
                        those that were trained on other frames.") }
                </span>
            }
        </>
    }
}

/// The place of a variant, which gives it its colour.
fn place(variants: &Variants, id: &str) -> usize {
    variants.all.iter().position(|variant| variant.id == id).unwrap_or_default()
}

fn is_baseline(variants: &Variants, id: &str) -> bool {
    variants.baseline().is_some_and(|variant| variant.id == id)
}

fn head(
    column: &Column<'_>,
    state: &Snapshot,
    variants: &Variants,
    dispatch: &Callback<Action>,
) -> Html {
    let model = column.id.to_owned();
    let rename = dispatch.reform(move |event: Event| {
        let name = event.target_unchecked_into::<HtmlInputElement>().value();
        Action::ChangeColumn { model: model.clone(), change: ColumnChange::Rename(name) }
    });
    let meant = variants.get(column.id).and_then(Variant::recipe) == Some(&state.recipe);
    html! {
        <th key={column.id.to_owned()} scope="col" data-model={column.id.to_owned()}
            class={classes!(series(place(variants, column.id)), meant.then_some("meant"))}
            data-testid={format!("report-{}", column.variant)}>
            <span class="column-variant">{ column.variant.to_owned() }</span>
            <input class="column-name" data-testid="rename" value={column.name.clone()} onchange={rename}
                aria-label={format!("Name of {}", column.name)} title={column.name.clone()}
                autocomplete="off" />
            if is_baseline(variants, column.id) { <span class="column-note">{"the baseline"}</span> }
        </th>
    }
}

fn row(
    row: &Row,
    columns: &[Column<'_>],
    variants: &Variants,
    dispatch: &Callback<Action>,
) -> Html {
    let sorted = variants.sorted_by.as_ref().filter(|(id, _)| *id == row.id);
    let arrow = sorted.map_or("", |(_, descending)| if *descending { " ←" } else { " →" });
    let id = row.id.clone();
    let onclick =
        dispatch.reform(move |_: MouseEvent| Action::ChangeTable(TableChange::Sort(id.clone())));
    let cell = |(cell, column): (&Option<Cell>, &Column<'_>)| match cell {
        Some(cell) => html! {
            <td data-testid={row.kind} data-name={row.of.clone()} data-model={column.id.to_owned()}
                data-value={cell.exact.to_string()}
                data-low={cell.interval.as_ref().map(|interval| interval.exact[0].to_string())}
                data-high={cell.interval.as_ref().map(|interval| interval.exact[1].to_string())}>
                { &cell.text }
                { for cell.difference.as_ref().filter(|_| columns.len() > 1).map(change) }
                if let Some(interval) = &cell.interval {
                    <span class="between">{ between(interval) }</span>
                }
            </td>
        },
        None => html! { <td class="nothing">{"–"}</td> },
    };
    html! {
        <tr key={row.id.clone()}>
            <th scope="row">
                <button type="button" class="sort" data-testid={format!("sort-{}", row.id)} {onclick}
                    title={format!("Sort the columns by {}", row.name)}>
                    { &row.name }<span aria-hidden="true">{ arrow }</span>
                </button>
                { for Term::of_row(row.kind).map(why) }
                <span class="row-note">{ row.note }</span>
            </th>
            { for row.cells.iter().zip(columns).map(cell) }
        </tr>
    }
}

fn change(change: &Difference) -> Html {
    let (class, says) = match (change.is_better, change.is_real) {
        (true, true) => ("better", "better than the baseline"),
        (false, true) => ("worse", "worse than the baseline"),
        _ => ("noise", "within the noise"),
    };
    html! { <span class={classes!("change", class)} title={says}>{" "}{ &change.text }</span> }
}

/// The recipe as a link and as a command line, and the file.
fn again(
    column: &Column<'_>,
    state: &Snapshot,
    variants: &Variants,
    dispatch: &Callback<Action>,
) -> Html {
    let Some(variant) = variants.get(column.id) else { return html! { <td /> } };
    let Some(made) = &variant.made else {
        return html! { <td class="again"><span class="nothing">{"its own file"}</span></td> };
    };
    let save = |testid: &'static str, name: &'static str, title: &'static str, what: Export| {
        let onclick = dispatch.reform(move |_: MouseEvent| Action::Export(what.clone()));
        html! {
            <button type="button" class="button quiet" data-testid={testid} {onclick} {title}
                data-model={variant.id.clone()}>{ name }</button>
        }
    };
    let times = save(
        "save-times",
        "Node times",
        "Milliseconds of each node, for Model Explorer",
        Export::Times(variant.id.clone()),
    );
    let open = {
        let id = variant.id.clone();
        dispatch.reform(move |event: MouseEvent| {
            event.prevent_default();
            Action::OpenVariant(id.clone())
        })
    };
    let href = state.link_by(variant).map(|link| format!("#{}", link.fragment()));
    let what = Copy::CommandOf(place(variants, column.id));
    let copy = dispatch.reform(move |_: MouseEvent| Action::Copy(what));
    let command = state.command_of(variant);
    let download = {
        let id = variant.id.clone();
        dispatch.reform(move |_: MouseEvent| Action::Download(id.clone()))
    };
    html! {
        <td class="again">
            <a href={href.unwrap_or_else(|| "#".into())} onclick={open} data-testid="open-variant"
                data-model={variant.id.clone()}>
                { if state.recipe == made.summary.recipe { "the chosen recipe" } else { "its recipe" } }
            </a>
            if let Some(command) = command {
                <button type="button" class="button quiet" data-testid="copy-command-of"
                    title={command} onclick={copy}>
                    { if state.copied == Some(what) { "Copied" } else { "Command" } }
                </button>
            }
            <button type="button" class="button quiet" data-testid="download-of" onclick={download}
                data-value={made.summary.sha256.clone()} data-model={variant.id.clone()}
                title={format!("SHA-256 {}", made.summary.sha256)}>
                { format!("File, {}", format::bytes(made.file.bytes.len())) }
            </button>
            <details class="formats">
                <summary data-testid="more-formats" aria-label={format!("For other tools: {}", column.name)}>
                    {"For other tools"}
                </summary>
                { save("save-recipe", "Recipe", "The recipe as JSON, for --recipe and this page",
                    Export::Recipe(variant.id.clone())) }
                { save("save-overrides", "Overrides", "TensorQuantOverrides, for ONNX Runtime's quantizer",
                    Export::Overrides(variant.id.clone())) }
                if column.report.is_some() { { times } }
            </details>
        </td>
    }
}

fn handles(
    column: &Column<'_>,
    state: &Snapshot,
    variants: &Variants,
    dispatch: &Callback<Action>,
) -> Html {
    let button = |testid: &'static str, name: &'static str, change: ColumnChange, able: bool| {
        let model = column.id.to_owned();
        let onclick = dispatch.reform(move |_: MouseEvent| Action::ChangeColumn {
            model: model.clone(),
            change: change.clone(),
        });
        html! {
            <button type="button" class="button quiet" data-testid={testid} {onclick} disabled={!able}
                aria-label={format!("{name}: {}", column.name)}>{ name }</button>
        }
    };
    let pinned = is_baseline(variants, column.id);
    html! {
        <td class="handles">
            { button("pin", "Baseline", ColumnChange::Pin, !pinned) }
            { button("hide", "Hide", ColumnChange::Hide, variants.shown().count() > 1) }
            if !column.is_reference {
                { button("remove", "Remove", ColumnChange::Remove, state.job.is_none()) }
            }
        </td>
    }
}
