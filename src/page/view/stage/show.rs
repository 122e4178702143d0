//! Shows what the cars have driven, at the world's pace or faster.

use std::rc::Rc;

use yew::{Callback, NodeRef};

use super::answer;
use super::map;
use super::pen::{Palette, Pen};
use super::scene::{self, Seen};
use crate::page::state::{Action, Car, STEPS_PER_SECOND, Stage};
use crate::page::view::frames::pixels;
use crate::page::view::props::Snapshot;
use crate::vocabulary::stage::SIDE;

/// How often the page hears how far it is, in milliseconds.
const TELL: f64 = 200.0;
/// How long the end of a drive stands before it begins again.
const REST: f64 = 3_000.0;
/// Longer than this nobody looked: the drive stood meanwhile.
const AWAY: f64 = 250.0;
/// How often the colours are looked up: they change with the hour in some systems.
const LOOK_UP: f64 = 1_000.0;

/// Where a car is shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct CarRefs {
    pub(super) scene: NodeRef,
    /// What its camera saw.
    pub(super) seen: NodeRef,
    pub(super) answer: NodeRef,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Refs {
    pub(super) root: NodeRef,
    pub(super) cars: [CarRefs; 2],
    pub(super) map: NodeRef,
}

pub(super) struct Show {
    pub(super) state: Snapshot,
    pub(super) dispatch: Callback<Action>,
    refs: Refs,
    /// Steps, of which the last may be under way.
    at: f64,
    /// What the page heard of it last.
    told: usize,
    told_at: f64,
    last: f64,
    ended_at: Option<f64>,
    palette: Palette,
    looked_up_at: f64,
    /// What was drawn last: how far, in which colours, how large; and of what.
    drawn: Option<(f64, Palette, Vec<[i32; 2]>)>,
    shown: Snapshot,
    /// The decisions whose pictures are on show.
    pictures: [Option<(usize, u32)>; 2],
}

impl Show {
    pub(super) fn new(state: Snapshot, dispatch: Callback<Action>, refs: Refs) -> Self {
        Self {
            state,
            dispatch,
            refs,
            at: 0.0,
            told: 0,
            told_at: 0.0,
            last: 0.0,
            ended_at: None,
            palette: Palette::default(),
            looked_up_at: f64::NEG_INFINITY,
            drawn: None,
            shown: Snapshot::default(),
            pictures: [None; 2],
        }
    }

    /// Draws the picture of a moment, in milliseconds.
    pub(super) fn draw(&mut self, now: f64) {
        let state = self.state.clone();
        let stage = &state.stage;
        let passed = (now - self.last).clamp(0.0, AWAY);
        self.last = now;
        // Somebody went somewhere else.
        if stage.shown != self.told {
            (self.at, self.told, self.ended_at) = (stage.shown as f64, stage.shown, None);
        }
        let ready = stage.ready() as f64;
        if stage.playing && !state.cars_wait() {
            let steps = passed / 1e3 * STEPS_PER_SECOND * f64::from(stage.pace);
            self.at = (self.at + steps).min(ready);
            self.rest(stage, ready, now);
        }
        self.tell(now);
        if now - self.looked_up_at > LOOK_UP {
            self.palette = Palette::of(&self.refs.root).unwrap_or_default();
            self.looked_up_at = now;
        }
        // What stands need not be drawn again.
        let sizes = self.sizes();
        if self.drawn.as_ref().is_none_or(|(.., before)| *before != sizes) {
            // A canvas of another size may be another one, on which nothing is yet.
            self.pictures = [None; 2];
        }
        let drawn = (self.at, self.palette.clone(), sizes);
        if self.drawn.as_ref() != Some(&drawn) || !Rc::ptr_eq(&state.0, &self.shown.0) {
            self.draw_cars(stage);
            (self.drawn, self.shown) = (Some(drawn), state);
        }
    }

    /// Of all that is drawn on, in CSS pixels.
    fn sizes(&self) -> Vec<[i32; 2]> {
        let cars = self.refs.cars.iter().flat_map(|car| [&car.scene, &car.seen, &car.answer]);
        let canvases = cars.chain([&self.refs.map]);
        let size = |canvas: &NodeRef| {
            let canvas = canvas.cast::<web_sys::Element>();
            canvas.map_or([0; 2], |canvas| [canvas.client_width(), canvas.client_height()])
        };
        canvases.map(size).collect()
    }

    /// Begins again some time after the end.
    fn rest(&mut self, stage: &Stage, ready: f64, now: f64) {
        let is_over = !stage.cars.is_empty()
            && !stage.by_hand
            // Who waits for a job wants it done soon.
            && self.state.job.is_none()
            && stage.cars.iter().all(|car| car.is_done() && !car.drive.poses.is_empty())
            && self.at >= ready;
        match self.ended_at {
            _ if !is_over => self.ended_at = None,
            None => self.ended_at = Some(now),
            Some(ended) if now - ended > REST => (self.at, self.ended_at) = (0.0, None),
            Some(_) => {}
        }
    }

    fn tell(&mut self, now: f64) {
        let step = self.at as usize;
        if step != self.told && now - self.told_at > TELL {
            (self.told, self.told_at) = (step, now);
            self.dispatch.emit(Action::StageShown(step));
        }
    }

    fn draw_cars(&mut self, stage: &Stage) {
        let Some(ground) = &stage.ground else { return };
        let seen = stage.cars.iter().enumerate().map(|(at, car)| seen(car, at, self.at));
        let seen: Vec<Seen<'_>> = seen.collect();
        for (i, (car, refs)) in stage.cars.iter().zip(&self.refs.cars).enumerate() {
            if let Some(pen) = Pen::on(&refs.scene) {
                // Its own picture has the car in front.
                let order = |at: usize| &seen[at];
                let own: Vec<Seen<'_>> = std::iter::once(order(i))
                    .chain((0..seen.len()).filter(|other| *other != i).map(order))
                    .map(|seen| Seen { ..*seen })
                    .collect();
                scene::draw(&pen, ground, &own, &self.palette);
            }
            let decision = car.drive.decision(self.at as usize);
            let Some(decision) = decision else { continue };
            if let Some(pen) = Pen::on(&refs.answer) {
                answer::draw(
                    &pen,
                    (car.scores(&decision.answer), decision.controls),
                    &self.palette.cars[i.min(1)],
                    &self.palette,
                );
            }
            let which = (Rc::as_ptr(decision) as usize, decision.step);
            if self.pictures[i] != Some(which) {
                self.pictures[i] = Some(which);
                show_picture(&refs.seen, &decision.seen);
            }
        }
        if let Some(pen) = Pen::on(&self.refs.map) {
            map::draw(&pen, ground, &seen, stage.first_difference(), &self.palette);
        }
    }
}

/// What is seen of a car after so many steps, the last of which may be under way.
fn seen(car: &Car, at: usize, steps: f64) -> Seen<'_> {
    let begun = steps.ceil();
    let made = (begun as usize).clamp(1, car.drive.poses.len().max(1));
    let way = car.drive.poses.get(..made).unwrap_or_default();
    let part = if begun as usize == made { 1.0 - (begun - steps) as f32 } else { 1.0 };
    Seen { way, part, at }
}

/// Red, green and blue as canvases have them.
pub(super) fn opaque(rgb: &[u8]) -> Vec<u8> {
    rgb.as_chunks::<3>().0.iter().flat_map(|&[r, g, b]| [r, g, b, 255]).collect()
}

fn show_picture(node: &NodeRef, rgb: &[u8]) {
    if let Some(canvas) = node.cast::<web_sys::HtmlCanvasElement>() {
        // The drive can be followed without it.
        pixels::show(&canvas, SIDE, &opaque(rgb)).ok();
    }
}
