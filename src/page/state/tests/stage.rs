//! The stage's part of the reducer, with a worker of its own.

use super::*;
use crate::page::state::{Driver, Held, PATCHES, Packing, ROAD_WIDTHS, Road, Subject, TRACK};
use crate::vocabulary::driving::{Control, RoadTest, Sets};
use crate::vocabulary::stage::{By, Decision, End, Ground, Kind, Leg, Pose, Shapes};

/// The steps after which these drives end.
const LAST: usize = 80;

fn pose(step: usize) -> Pose {
    Pose {
        hull: [step as f32, 0.0, 0.0],
        wheels: [[0.0; 3]; 4],
        speed: 0.0,
        total: step as f64,
        tiles: 0,
        off_road: false,
    }
}

/// `from` holds the number of steps done.
fn drive_on(by: &By, from: &[u8], decisions: usize) -> Leg {
    let done = usize::from(from[0]);
    let first = if done == 0 && matches!(by, By::Network(_)) { 50 } else { done };
    let to = (first + 3 * decisions).min(LAST);
    let steering = if matches!(by, By::Network(id) if id.ends_with("int8")) { 0.6 } else { 0.0 };
    let controls = |step: usize| match by {
        By::Hand(controls) => *controls,
        By::Network(_) => [if step < 56 { 0.0 } else { steering }, 0.2, 0.0],
    };
    let decision = |step: usize| Decision {
        step: step as u32,
        answer: Vec::new(),
        controls: controls(step),
        seen: ByteBuf::new(),
    };
    Leg {
        poses: (done..to).map(pose).collect(),
        decisions: (first..to).step_by(3).map(decision).collect(),
        to: vec![to as u8].into(),
        end: (to == LAST).then_some(End::Finished),
    }
}

fn cars_answer(request: &Request) -> Event {
    match request {
        Request::Ground { seed } => Event::Ground {
            ground: Ground {
                seed: *seed,
                tiles: Vec::new(),
                kerbs: Vec::new(),
                centre: Vec::new(),
                field: 300.0,
                car: Shapes { hull: Vec::new(), wheel: Vec::new() },
                start: vec![0].into(),
            },
        },
        Request::DriveOn { by, from, decisions, .. } => {
            Event::DroveOn { leg: drive_on(by, from, *decisions) }
        }
        Request::See { model, .. } => Event::Saw {
            answer: vec![0.0, 0.0, 0.0, if model == "plain" { 9.0 } else { -9.0 }, 0.0],
            controls: [0.0, if model == "plain" { 0.2 } else { 0.0 }, 0.0],
        },
        Request::Pack { frames, .. } => {
            Event::Packed { file: file(&format!("driven-{}.npz", frames.len())) }
        }
        other => answer(other),
    }
}

impl Bench {
    /// The cars' worker answers once.
    fn cars_work_once(&mut self) -> Rc<Request> {
        let (task, request) = self.cars.remove(0);
        self.act(Action::CarsHeard { task, event: Box::new(cars_answer(&request)) });
        request
    }

    fn cars_work(&mut self) {
        while !self.cars.is_empty() {
            self.cars_work_once();
        }
    }

    /// Somebody watches until everything is driven.
    fn watch(&mut self) {
        self.act(Action::StageInSight(true));
        self.cars_work();
        while self.state.stage.cars.iter().any(|car| !car.is_done()) {
            self.act(Action::StageShown(self.state.stage.ready()));
            self.cars_work();
        }
    }

    fn drivers(&self) -> Vec<&Driver> {
        self.state.stage.cars.iter().map(|car| &car.driver).collect()
    }
}

fn network(id: &str) -> Driver {
    Driver::Network(id.into())
}

#[test]
fn the_chosen_network_drives_as_soon_as_it_is_seen() {
    let mut bench = Bench::open();
    assert!(bench.cars.is_empty(), "nobody watches");
    bench.act(Action::StageInSight(true));
    assert!(matches!(&*bench.cars_work_once(), Request::Ground { seed: TRACK }));
    assert!(
        matches!(&*bench.cars_work_once(), Request::LoadModel { model, .. } if model == "plain")
    );
    let Request::DriveOn { by, decisions, .. } = &*bench.cars_work_once() else {
        panic!("it drives");
    };
    assert_eq!((by, *decisions), (&By::Network("plain".into()), 1));
    assert_eq!(bench.state.stage.ready(), 53);

    bench.watch();
    let car = &bench.state.stage.cars[0];
    let steps: Vec<f32> = car.drive.poses.iter().map(|pose| pose.hull[0]).collect();
    assert!(steps.iter().copied().eq((0..LAST).map(|step| step as f32)), "{steps:?}");
    assert_eq!(car.drive.end, Some(End::Finished));
    assert_eq!(car.drive.decision(54).map(|decision| decision.step), Some(53));
}

#[test]
fn an_opened_network_of_values_drives_as_it_is_said() {
    let mut bench = Bench::open_by("drives=_,steering,gas&speed=30");
    bench.act(Action::StageInSight(true));
    bench.act(Action::OpenModels(vec![file("values.onnx")]));
    bench.work();
    bench.cars_work();
    let steered = bench.state.steered().expect("it takes the camera's pictures");
    assert_eq!(steered.names, ["angle", "throttle"]);
    let test = |bench: &Bench| RoadTest::clone(&bench.state.stage.cars[0].test);
    assert_eq!(test(&bench).outputs, None, "it has other numbers than the link speaks of");
    assert_eq!(test(&bench).preprocessing.and_then(|own| own.stack), Some(2));

    // Said one by one: a control is set by one number.
    let sets = |control, factor| Some(Sets { control, factor });
    let mut wheel = bench.state.wheel.clone();
    wheel.set(1, 2, sets(Control::Steering, 1.0));
    wheel.set(0, 2, sets(Control::Steering, -0.5));
    assert_eq!(
        wheel.outputs().map(|outputs| outputs.to_string()).as_deref(),
        Some("-steering*0.5,_")
    );
    bench.act(Action::SetWheel(wheel));
    assert!(bench.state.stage.cars[0].drive.poses.is_empty(), "it drives anew");
    let asked: Vec<_> = bench.cars.iter().map(|(_, request)| request.clone()).collect();
    assert!(matches!(&*asked[0], Request::DriveOn { test: own, .. } if *own == test(&bench)));
    assert_eq!(test(&bench).target_speed, 30.0);
    bench.cars_work();
    let address = bench.address.clone().expect("it is in the address");
    assert!(address.contains("drives=-steering%2A0.5%2C_&speed=30"), "{address}");
    // What a bundled network drives has nothing to do with it.
    bench.select("plain");
    assert_eq!(test(&bench), RoadTest::default());
    assert!(bench.state.steered().is_none());
}

#[test]
fn it_stands_when_it_is_paused_and_out_of_sight() {
    let mut bench = Bench::open();
    bench.act(Action::StagePlay(false));
    bench.act(Action::StageInSight(true));
    bench.cars_work();
    // A picture, and a decision to go on to.
    let ready = bench.state.stage.ready();
    assert!((53..60).contains(&ready), "{ready}");
    bench.act(Action::StageStep);
    assert_eq!(bench.state.stage.shown, 3);
    bench.act(Action::StageInSight(false));
    bench.act(Action::StagePlay(true));
    assert!(bench.cars.is_empty());
}

#[test]
fn what_is_made_of_it_drives_beside_it_from_the_same_start() {
    let mut bench = Bench::open();
    bench.watch();
    bench.run();
    assert_eq!(bench.drivers(), [&network("plain"), &network("plain-int8")]);
    assert_eq!(bench.state.stage.shown, 0);
    assert_eq!(bench.state.stage.cars[0].drive.poses.len(), LAST, "it need not drive again");
    bench.watch();
    assert_eq!(bench.state.stage.first_difference(), Some(56));

    // Made anew, it drives anew.
    bench.set_recipe(Recipe { weight_bits: 4, ..Recipe::default() });
    bench.run();
    assert!(bench.state.stage.cars[1].drive.poses.is_empty());
    bench.watch();
    assert_eq!(bench.state.stage.cars[1].drive.poses.len(), LAST);

    bench.act(Action::StageTrack(7));
    bench.watch();
    assert_eq!(bench.state.stage.ground.as_ref().map(|ground| ground.seed), Some(7));
    assert_eq!(bench.state.stage.cars[0].drive.poses.len(), LAST);
}

#[test]
fn nothing_drives_while_a_latency_is_measured() {
    let mut bench = Bench::open();
    bench.act(Action::StageInSight(true));
    bench.cars_work();
    bench.act(Action::Run);
    bench.deliver();
    bench.work_until(|request| matches!(request, Request::Compare { .. }));
    assert!(bench.state.cars_wait());
    bench.cars_work();
    bench.act(Action::StageShown(bench.state.stage.ready()));
    assert!(bench.cars.is_empty());
    bench.work();
    assert!(!bench.state.cars_wait());
    assert!(!bench.cars.is_empty(), "they go on");
}

#[test]
fn cancelling_a_job_leaves_the_cars_alone() {
    let mut bench = Bench::open();
    bench.act(Action::StageInSight(true));
    bench.cars_work();
    bench.act(Action::Run);
    bench.deliver();
    bench.work_until(|request| matches!(request, Request::Quantize { .. }));
    bench.act(Action::CancelRun);
    bench.act(Action::StageShown(bench.state.stage.ready()));
    assert!(bench.restarts > 0);
    assert_eq!(bench.cars_restarts, 0);
    bench.watch();
    assert!(bench.state.stage.cars[0].is_done());
}

#[test]
fn a_hand_drives_against_the_network() {
    let mut bench = Bench::open();
    bench.act(Action::StageInSight(true));
    bench.act(Action::TakeTheWheel(true));
    bench.act(Action::Hold { held: Held::Gas, down: true });
    bench.act(Action::Hold { held: Held::Left, down: true });
    assert_eq!(bench.drivers(), [&network("plain"), &Driver::Hand]);
    let mut asked = Vec::new();
    while !bench.cars.is_empty() {
        asked.push(bench.cars_work_once());
    }
    let by = asked.iter().find_map(|request| match &**request {
        Request::DriveOn { by: By::Hand(controls), decisions, .. } => Some((*controls, *decisions)),
        _ => None,
    });
    assert_eq!(by, Some(([-0.6, 0.3, 0.0], 1)));
    bench.act(Action::TakeTheWheel(false));
    assert_eq!(bench.drivers(), [&network("plain")]);
    // What it drove is there to be learned from.
    let driven = bench.state.own.frames.len();
    assert!(driven > 0);
    assert_eq!(bench.state.own.counts()[2], driven, "all of them to the left");
    assert!(bench.state.own.lacks().is_some_and(|lacks| lacks.contains("few")));
    bench.act(Action::Pack(Packing::Save(Kind::Classes)));
    bench.act(Action::Pack(Packing::Train));
    bench.cars_work();
    assert_eq!(bench.saved.len(), 1);
    bench.work();
    let training = bench.state.training.loaded.as_ref().map(|loaded| loaded.name.clone());
    assert_eq!(training, Some(format!("driven-{driven}.npz")));
}

#[test]
fn a_picture_is_asked_of_every_network_on_the_stage() {
    let mut bench = Bench::open();
    bench.run();
    bench.watch();
    bench.act(Action::LookAt(Some(1)));
    bench.cars_work();
    let looked = bench.state.stage.looked.clone().expect("it is looked at");
    assert_eq!(looked.answers.keys().collect::<Vec<_>>(), ["plain", "plain-int8"]);
    assert_ne!(looked.answers["plain"], looked.answers["plain-int8"]);
    assert!(!bench.state.stage.playing, "it stands while somebody looks");
    // Patch by patch, both are asked about the same picture with one of them covered.
    bench.act(Action::CoverPatches);
    assert_eq!(bench.cars.len(), 2);
    bench.cars_work();
    let looked = bench.state.stage.looked.as_ref().expect("it is looked at");
    assert_eq!(looked.covered.len(), PATCHES * PATCHES);
    assert!(looked.covered.iter().all(|answers| answers.len() == 2));
    bench.act(Action::AddLooked(4));
    assert_eq!(bench.state.own.counts(), [0, 0, 0, 0, 1]);
    bench.act(Action::LookAt(None));
    assert!(bench.state.stage.looked.is_none());
}

#[test]
fn a_worker_that_breaks_down_costs_only_the_car_it_drove() {
    let mut bench = Bench::open();
    bench.run();
    bench.act(Action::StageInSight(true));
    while !matches!(&*bench.cars[0].1, Request::DriveOn { .. }) {
        bench.cars_work_once();
    }
    bench.act(Action::CarsLost { error: Error::new("it broke"), started: true });
    assert_eq!(bench.cars_restarts, 1);
    assert!(bench.state.stage.cars[0].fault.is_some());
    bench.watch();
    assert_eq!(bench.state.stage.cars[1].drive.end, Some(End::Finished));
    // One that never came to life is not started again and again.
    let mut bench = Bench::open();
    bench.act(Action::StageInSight(true));
    bench.act(Action::CarsLost { error: Error::new("no wasm"), started: false });
    assert!(bench.cars.is_empty());
    assert_eq!(bench.told(), ["no wasm"]);
}

#[test]
fn every_width_is_quantized_measured_and_driven() {
    let mut bench = Bench::open();
    bench.act(Action::DriveWidths);
    bench.deliver();
    bench.work();
    let road = bench.state.roads["plain"].clone();
    let bits = road.points.iter().filter_map(|point| match &point.subject {
        Subject::Width { bits, .. } => Some(*bits),
        _ => None,
    });
    assert!(bits.eq(ROAD_WIDTHS));
    assert_eq!(road.points[0].subject, Subject::Float);
    assert!(road.points.iter().all(|point| point.top1.is_some() && point.driven.is_some()));
    assert_eq!(road.points[1].mean(), Some(850.0));
    assert_eq!(road.points[1].finished(), 1);
    let least = ROAD_WIDTHS[ROAD_WIDTHS.len() - 1];
    assert_eq!(road.fewest().map(|(bits, _)| bits), Some(least), "all drive alike");
    // From the first that loses its way on none counts, whatever it does.
    let mut lost = Road::clone(&road);
    if let Some(driven) = &mut lost.points[3].driven {
        driven.mean = 100.0;
    }
    assert_eq!(lost.fewest().map(|(bits, _)| bits), Some(ROAD_WIDTHS[1]));
    // Less than nothing is nothing left.
    if let Some(driven) = &mut lost.points[3].driven {
        driven.mean = -100.0;
    }
    assert_eq!(lost.left(&lost.points[3]).map(|left| left.returns), Some(0.0));
    assert!(bench.state.job.is_none());
    assert!(bench.state.made.is_empty(), "it is no network to take home");
    // Stopped in the middle, what is done stays.
    bench.act(Action::DriveWidths);
    bench.deliver();
    bench.work_until(|request| matches!(request, Request::Quantize { .. }));
    bench.act(Action::CancelRun);
    assert_eq!(bench.state.roads["plain"].points.len(), 1);
}

#[test]
fn what_was_made_or_found_is_driven_beside_the_widths() {
    let mut bench = Bench::open();
    bench.run();
    bench.act(Action::Search);
    bench.deliver();
    bench.work();
    let names: Vec<String> = bench.state.to_be_driven().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["Plain, int8 made here", "the search's best, less of it"]);
    while let Some((_, subject)) = bench.state.to_be_driven().pop() {
        bench.act(Action::DriveSubject(subject));
        bench.work();
    }
    let road = bench.state.roads["plain"].clone();
    assert_eq!(road.points.len(), 3, "the float network drives once");
    assert!(matches!(road.points[0].subject, Subject::Float));
    assert!(matches!(road.points[1].subject, Subject::Tried { .. }));
    let (point, left) = road.parting().expect("all have driven");
    assert!((left.accuracy, left.returns) == (1.0, 1.0) && point.driven.is_some());
    // Another of the same name has driven nothing.
    bench.run();
    assert_eq!(bench.state.roads["plain"].points.len(), 2);
}
