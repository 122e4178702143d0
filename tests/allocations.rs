//! Running a network allocates nothing, once it has run; nor does driving a car, once it is seen.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use steer8::data::Dataset;
use steer8::drive::{Action, Discrete, Episode, Picture};
use steer8::quantize::quantize;
use steer8::runtime::{Arithmetic, Session};
use steer8::vocabulary::file::File;
use steer8::vocabulary::reading::Reading;
use steer8::vocabulary::recipe::Recipe;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, which counts what each thread asks of it.
struct Counting;

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: as the caller promises.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_network_that_has_run_allocates_nothing() {
    let bytes = include_bytes!("../models/frames/calibration.zip").to_vec();
    let file = File { name: "calibration.zip".into(), bytes: bytes.into() };
    let data = Dataset::read(&[file], &Reading::default(), &mut |_, _| Ok(())).unwrap();
    let networks: [&[u8]; 3] = [
        include_bytes!("../models/networks/assignment.onnx"),
        include_bytes!("../models/networks/pilotnet.onnx"),
        include_bytes!("../models/networks/mobilenet.onnx"),
    ];
    for network in networks {
        let float = steer8::onnx::read(network).unwrap();
        let recipe = Recipe { samples: Some(4), ..Recipe::default() };
        let int8 = quantize(&float, &recipe, &data, &mut |_, _, _| Ok(())).unwrap().graph;
        for graph in [float, int8] {
            let mut session =
                Session::new(&graph, Some(data.frame_shape()), Arithmetic::Fast).unwrap();
            let mut frame = vec![0.0; session.frame_len()];
            data.input(0, &mut frame);
            let mut run = || {
                let before = ALLOCATIONS.with(Cell::get);
                session.run(&frame, |_, _| {}).unwrap();
                ALLOCATIONS.with(Cell::get) - before
            };
            assert!(run() > 0, "the first run allocates, so allocations are counted");
            assert_eq!((run(), run()), (0, 0));
        }
    }
}

#[test]
fn a_car_that_was_seen_once_drives_and_is_seen_without_allocating() {
    let mut episode = Episode::reset(20_005);
    let mut picture = Picture::new();
    episode.observe(&mut picture);
    let before = ALLOCATIONS.with(Cell::get);
    for action in Discrete::ALL.into_iter().cycle().take(100) {
        episode.step(Action::Discrete(action));
        episode.observe(&mut picture);
    }
    assert_eq!(ALLOCATIONS.with(Cell::get), before);
}
