//! A car to drive: Gymnasium's CarRacing-v3 without Gymnasium, the same to the last bit.
//!
//! [`Episode::reset`] makes the track of a seed and puts the car on it, [`Episode::step`] takes an
//! [`Action`], discrete or continuous, and gives the reward and whether the episode has ended:
//!
//! ```
//! use steer8::drive::{Action, Discrete, Episode, Picture};
//!
//! let mut episode = Episode::reset(20_005);
//! let (steps, end) = episode.steps([Action::Discrete(Discrete::Gas); 60]);
//! assert_eq!((steps, end.is_last()), (60, false));
//! println!("{:.1} after {} tiles", end.reward, episode.tiles_visited());
//!
//! // What a network sees: 96 rows of 96 pixels, red, green and blue.
//! let mut picture = Picture::new();
//! assert_eq!(episode.observe(&mut picture).len(), 96 * 96 * 3);
//!
//! // What an episode is may be kept, sent, and taken up again.
//! let mut again = Episode::resume(episode.state().clone())?;
//! let brake = Action::Continuous { steering: -0.5, gas: 0.0, brake: 0.4 };
//! assert_eq!(again.step(brake), episode.step(brake));
//! # Ok::<(), steer8::error::Error>(())
//! ```
//!
//! The same seed and actions give the same places, rewards and tracks on every machine: all numbers of
//! the physics are f32 in one order, products are not fused into sums, and sine and cosine are computed
//! here (`trigonometry.rs`). They are those of Gymnasium 1.4 with Box2D 2.3 and glibc, oddities
//! included: a reset makes a step, and the wheels do not start where the joints want them.
//!
//! A step allocates nothing, a [`Picture`] nothing after the first; it is drawn only for who asks.
//! Whoever wants to draw the drive on a screen finds the road in [`Episode::track`], where the car is in
//! [`Episode::hull`] and [`Episode::wheels`], and what it looks like in [`HULL_POLYGONS`].
//!
//! Absent on purpose: domain randomization (other colours in every episode), other sizes of the picture
//! and Gymnasium's other modes of rendering, marks of skidding, which it does not show to networks
//! either, and a second episode in the same world, in which Box2D would meet the tiles in another order.

mod action;
mod body;
mod car;
mod contacts;
mod crew;
mod distance;
mod driver;
mod episode;
mod joint;
mod lap;
mod leg;
mod picture;
mod random;
mod replay;
mod road_test;
mod shape;
mod solver;
mod track;
mod trigonometry;
mod vector;

pub use action::{Action, Discrete};
pub use body::Body;
pub use car::{Car, HULL_POLYGONS, SIZE, WHEEL_RADIUS, WHEEL_WIDTH, Wheel};
pub use contacts::Contact;
pub use crew::{Entry, Fleet, Hand, Listener};
pub use driver::Driver;
pub use episode::{Episode, Options, Pose, State, Step};
pub use joint::{Joint, Limit};
pub use leg::{Hands, ground, leg};
pub use picture::{HullView, Picture, RoadPolygon, SIDE, Scene, WheelView};
pub use replay::{Replayed, actions, replay};
pub use road_test::drive;
pub use track::{PLAYFIELD, Quadrangle, Tile, Track, Waypoint};
pub use vector::Vec2;
