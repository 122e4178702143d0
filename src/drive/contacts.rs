//! Which tiles the car touches.

use serde::{Deserialize, Serialize};

use super::car::{Build, Car};
use super::distance::{REACH, touch};
use super::shape::{Bounds, Polygon};
use super::solver::BODIES;
use super::track::Track;
use super::vector::{Transform, Vec2};

/// What has happened to a tile.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Contact {
    /// It has not been touched.
    #[default]
    None,
    /// The hull has touched it, but no wheel: it has taken its last colour.
    Touched,
    /// A wheel has touched it: it has paid, too.
    Visited,
}

/// The tiles as the car meets them.
#[derive(Debug, Clone)]
pub struct Tiles(Vec<(Polygon, Bounds)>);

impl Tiles {
    pub fn new(track: &Track) -> Self {
        let shape = |corners: [[f64; 2]; 4]| {
            let shape = Polygon::around(&corners.map(Vec2::nearest));
            let bounds = shape.bounds(&Transform::NONE);
            (shape, bounds)
        };
        Self(track.tiles.iter().map(|tile| shape(tile.corners)).collect())
    }

    /// Finds the wheels that touch a tile, notes the contacts of hull and wheels, and names each tile
    /// whose contact has changed: in the order of Box2D's contacts when the drive begins, from the last
    /// tile to the first.
    pub fn meet(
        &self,
        car: &mut Car,
        build: &Build,
        places: &[Transform; BODIES],
        contacts: &mut [Contact],
        mut change: impl FnMut(usize, &[Contact]),
    ) {
        let [hull, wheels @ ..] = places;
        let around = |shapes: &[Polygon], place: &Transform| {
            let each = shapes.iter().map(|shape| shape.bounds(place));
            each.fold(Bounds::NONE, |all, bounds| all.and(&bounds))
        };
        let hull_bounds = around(&build.hull.shapes, hull);
        let wheel_bounds = (*wheels).map(|place| around(&build.wheel.shapes, &place));
        let car_bounds = wheel_bounds.iter().fold(hull_bounds, |all, bounds| all.and(bounds));
        car.wheels.iter_mut().for_each(|wheel| wheel.on_road = false);
        for (i, (tile, bounds)) in self.0.iter().enumerate().rev() {
            if !bounds.is_near(&car_bounds, REACH) {
                continue;
            }
            let touches = |shapes: &[Polygon], place: &Transform, own: &Bounds| {
                own.is_near(bounds, REACH) && shapes.iter().any(|shape| touch(tile, shape, place))
            };
            for ((wheel, place), own) in car.wheels.iter_mut().zip(wheels).zip(&wheel_bounds) {
                let is_known = wheel.on_road && contacts[i] == Contact::Visited;
                if is_known || !touches(&build.wheel.shapes, place, own) {
                    continue;
                }
                wheel.on_road = true;
                if contacts[i] != Contact::Visited {
                    contacts[i] = Contact::Visited;
                    change(i, contacts);
                }
            }
            if contacts[i] == Contact::None && touches(&build.hull.shapes, hull, &hull_bounds) {
                contacts[i] = Contact::Touched;
                change(i, contacts);
            }
        }
    }
}
