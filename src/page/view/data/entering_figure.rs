//! What the chosen network gets of a person's own frames: the picture on its way, and the numbers.

use std::rc::Rc;

use web_sys::HtmlCanvasElement;
use yew::prelude::*;

use crate::page::format;
use crate::page::view::frames::pixels;
use crate::page::view::props::PageProps;
use crate::vocabulary::entering::{Entering, Numbers, Step};
use crate::vocabulary::frames::Picture;

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 90.0;

/// What looks wrong, where a person looks before pressing the button.
#[component]
pub(in crate::page::view) fn Doubts(PageProps { state, .. }: &PageProps) -> Html {
    let doubts = state.entering().map(|entering| entering.doubts.clone()).unwrap_or_default();
    let doubt = |doubt: &crate::vocabulary::entering::Doubt| {
        html! {
            <div class="misfit" data-testid="doubt" role="status">
                <p><b>{"It may not see what it was trained on: "}</b>
                    { format!("{}. {}", doubt.what, doubt.way_out) }</p>
            </div>
        }
    };
    html! { <>{ for doubts.iter().map(doubt) }</> }
}

#[component]
pub(in crate::page::view) fn EnteringFigure(PageProps { state, .. }: &PageProps) -> Html {
    let Some(entering) = state.entering().cloned() else { return Html::default() };
    let step = |(at, step): (usize, &Step)| {
        html! {
            <li key={at}>
                <StepPicture picture={Rc::new(step.picture.clone())} what={step.what.clone()} />
                <span>{ &step.what }</span>
                <span class="size">{ format!("{}×{}", step.size[0], step.size[1]) }</span>
            </li>
        }
    };
    let shape: Vec<String> = entering.shape.iter().map(usize::to_string).collect();
    html! {
        <section class="entering" data-testid="entering" aria-label="What the network gets">
            <h3>{"What the network gets"}</h3>
            if !entering.steps.is_empty() {
                <ol class="steps">{ for entering.steps.iter().enumerate().map(step) }</ol>
            }
            <p class="hint" data-testid="entering-numbers">
                { format!("A frame of {}: {}.", shape.join(" × "), words(&entering.values)) }
                if let Some(calibration) = &entering.calibration {
                    { format!(" The calibration frames: {}.", words(calibration)) }
                }
            </p>
            { histogram(&entering) }
        </section>
    }
}

fn words(numbers: &Numbers) -> String {
    let [low, high] = numbers.range.map(|value| format::value(value.into()));
    let (mean, std) = (format::value(numbers.mean), format::value(numbers.std));
    format!("from {low} to {high}, mean {mean}, standard deviation {std}")
}

/// Both sets over the same range, as shares of the numbers of each.
fn histogram(entering: &Entering) -> Html {
    let shares = |numbers: &Numbers| {
        let all: f64 = numbers.counts.iter().copied().map(f64::from).sum();
        // Square roots: what is rare is seen, too.
        let share = |&count: &u32| (f64::from(count) / all.max(1.0)).sqrt();
        numbers.counts.iter().map(share).collect::<Vec<f64>>()
    };
    let own = shares(&entering.values);
    let other = entering.calibration.as_ref().map(shares);
    let most = own.iter().chain(other.iter().flatten()).copied().fold(f64::MIN_POSITIVE, f64::max);
    let pitch = WIDTH / own.len().max(1) as f64;
    let top = |share: f64| HEIGHT * (1.0 - share / most);
    let bar = |(i, &share): (usize, &f64)| {
        html! {
            <rect class="bin" x={format!("{:.1}", i as f64 * pitch + 0.5)}
                width={format!("{:.1}", pitch - 1.0)} y={format!("{:.1}", top(share))}
                height={format!("{:.1}", HEIGHT - top(share))} />
        }
    };
    let line = other.map(|shares| {
        let mut path = format!("M0 {HEIGHT}");
        for (i, share) in shares.into_iter().enumerate() {
            path += &format!(" V{:.1} H{:.1}", top(share), (i + 1) as f64 * pitch);
        }
        html! { <path class="entering-line" d={path} /> }
    });
    let range = |numbers: &Numbers| numbers.range;
    let ranges = std::iter::once(&entering.values).chain(&entering.calibration).map(range);
    let [low, high] = ranges
        .fold([f32::INFINITY, f32::NEG_INFINITY], |[low, high], [a, b]| [low.min(a), high.max(b)]);
    html! {
        <figure class="value-figure">
            <figcaption>
                {"How often each value enters"}
                if line.is_some() { {"; the line: in the calibration frames"} }
            </figcaption>
            <svg viewBox={format!("0 0 {WIDTH} {HEIGHT}")} role="img"
                aria-label={format!("values that enter, {}", words(&entering.values))}>
                { for own.iter().enumerate().map(bar) }
                { for line }
            </svg>
            <div class="axis-ends" aria-hidden="true">
                <span>{ format::value(low.into()) }</span><span>{ format::value(high.into()) }</span>
            </div>
        </figure>
    }
}

#[derive(PartialEq, Properties)]
struct StepPictureProps {
    picture: Rc<Picture>,
    what: String,
}

#[component]
fn StepPicture(StepPictureProps { picture, what }: &StepPictureProps) -> Html {
    let canvas = use_node_ref();
    use_effect_with((canvas.clone(), picture.clone()), |(canvas, picture)| {
        if let Some(canvas) = canvas.cast::<HtmlCanvasElement>() {
            pixels::show(&canvas, picture.width, &picture.rgba).ok();
        }
    });
    html! {
        <canvas ref={canvas} width={picture.width.to_string()} height={picture.height.to_string()}
            role="img" aria-label={format!("The first frame, {what}")} />
    }
}
