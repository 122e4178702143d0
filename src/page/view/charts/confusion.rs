//! A confusion matrix as a heat map: a row per true class, a column per answer.

use web_sys::KeyboardEvent;
use yew::prelude::*;

use super::series;
use crate::page::format;
use crate::vocabulary::report::Accuracy;

const CELL: usize = 46;
/// Room for the names of the rows.
const MARGIN: usize = 60;
/// Above this many classes the figures and names are left out.
const READABLE: usize = 10;
/// Letters of a class name that fit under its column.
const LETTERS: usize = 7;
/// Above this many there is nothing to see.
const DRAWABLE: usize = 64;

#[derive(PartialEq, Properties)]
pub(crate) struct ConfusionProps {
    pub(crate) title: AttrValue,
    pub(crate) model: AttrValue,
    pub(crate) index: usize,
    pub(crate) accuracy: Accuracy,
    pub(crate) classes: Vec<String>,
    /// The true class and the answer of a cell whose frames are to be seen.
    pub(crate) open: Callback<(u16, u16)>,
}

#[component]
pub(crate) fn Confusion(props: &ConfusionProps) -> Html {
    let matrix = &props.accuracy.confusion;
    let n = matrix.len();
    if n == 0 || n > DRAWABLE {
        return Html::default();
    }
    let readable = n <= READABLE;
    let margin = if readable { MARGIN } else { 0 };
    let (width, height) = (margin + n * CELL, n * CELL + if readable { 22 } else { 0 });
    let exact = serde_json::to_string(matrix).unwrap_or_default();
    html! {
        <figure class={classes!("confusion", series(props.index))} data-testid="confusion"
            data-model={props.model.clone()} data-value={exact}>
            <figcaption>{ props.title.clone() }</figcaption>
            <svg viewBox={format!("0 0 {width} {height}")} role="group"
                aria-label={format!("Confusion matrix of {}: {} frames of {} right", props.title, right(matrix), props.accuracy.n)}>
                { for matrix.iter().enumerate().map(|(truth, row)| self::row(truth, row, margin, readable, props)) }
                if readable {
                    { for (0..n).map(|answer| column_name(answer, n, margin, props)) }
                }
            </svg>
        </figure>
    }
}

fn row(truth: usize, row: &[u32], margin: usize, readable: bool, props: &ConfusionProps) -> Html {
    let frames: u32 = row.iter().sum();
    let y = truth * CELL;
    let cell = |(answer, &count): (usize, &u32)| {
        let share = f64::from(count) / f64::from(frames.max(1));
        let x = margin + answer * CELL;
        let frames = format::grouped(count as usize);
        let says =
            format!("{}, answered {}: {frames}", props.classes[truth], props.classes[answer]);
        let class = classes!(
            "cell",
            (answer == truth).then_some("cell-right"),
            // Dark cells need light figures.
            (share > 0.55).then_some("cell-full"),
        );
        let open = props.open.reform(move |()| (truth as u16, answer as u16));
        let onclick = open.reform(|_: MouseEvent| ());
        let onkeydown = Callback::from(move |event: KeyboardEvent| {
            if matches!(&*event.key(), "Enter" | " ") {
                event.prevent_default();
                open.emit(());
            }
        });
        let is_there = count > 0;
        html! {
            <g class={classes!(class, is_there.then_some("opens"))} {onclick} {onkeydown}
                role={is_there.then_some("button")} tabindex={is_there.then_some("0")}
                aria-label={is_there.then(|| says.clone())} data-testid="confusion-cell">
                <title>{ says }</title>
                <rect x={(x + 1).to_string()} y={(y + 1).to_string()} rx="3"
                    width={(CELL - 2).to_string()} height={(CELL - 2).to_string()}
                    class="cell-ground" />
                <rect x={(x + 1).to_string()} y={(y + 1).to_string()} rx="3"
                    width={(CELL - 2).to_string()} height={(CELL - 2).to_string()}
                    class="cell-heat" fill-opacity={format!("{:.3}", share.sqrt())} />
                if readable && count > 0 {
                    <text x={(x + CELL / 2).to_string()} y={(y + CELL / 2 + 4).to_string()}>
                        { format::grouped(count as usize) }
                    </text>
                }
            </g>
        }
    };
    html! {
        <>
            if readable {
                <text class="row-name" x={(margin - 8).to_string()} y={(y + CELL / 2 + 4).to_string()}>
                    { short(&props.classes[truth]) }
                </text>
            }
            { for row.iter().enumerate().map(cell) }
        </>
    }
}

fn column_name(answer: usize, n: usize, margin: usize, props: &ConfusionProps) -> Html {
    html! {
        <text class="column-name" x={(margin + answer * CELL + CELL / 2).to_string()}
            y={(n * CELL + 15).to_string()}>{ short(&props.classes[answer]) }</text>
    }
}

fn short(name: &str) -> String {
    if name.chars().count() <= LETTERS {
        name.to_owned()
    } else {
        name.chars().take(LETTERS - 1).chain(['…']).collect()
    }
}

fn right(matrix: &[Vec<u32>]) -> u32 {
    matrix.iter().enumerate().map(|(class, row)| row[class]).sum()
}
