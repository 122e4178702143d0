//! Networks that drive: what they see, what their answers do, and that it does not matter who lets them.

use std::collections::VecDeque;

use steer8::crew::{Alone, Crew};
use steer8::drive::{Action, Discrete, Driver, Entry, Fleet, Listener, SIDE, drive};
use steer8::graph::{Attribute, Dim, Graph, Node};
use steer8::lab::Hand;
use steer8::onnx;
use steer8::progress::ready;
use steer8::score::driving::Drive;
use steer8::vocabulary::driving::RoadTest;
use steer8::vocabulary::preprocessing::{Color, Crop, Preprocessing};

use crate::made_up::by_colour;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const ASSIGNMENT: &[u8] = include_bytes!("../../models/networks/assignment.onnx");

fn road(outputs: &str, stack: Option<usize>) -> RoadTest {
    RoadTest {
        outputs: (!outputs.is_empty()).then(|| outputs.parse().expect("outputs")),
        preprocessing: stack.map(|_| Preprocessing { stack, ..Preprocessing::default() }),
        ..RoadTest::default()
    }
}

/// A picture of one colour.
fn flat(colour: [u8; 3]) -> Vec<u8> {
    colour.repeat(SIDE * SIDE)
}

#[test]
fn scores_choose_the_action_and_ties_go_to_the_first() {
    // Red pixels are for the brake, green ones for the right as much as for the left.
    let rows = [[0.1, 0.1, 0.1], [0.0, 2.0, 0.0], [0.0, 2.0, 0.0], [0.0; 3], [3.0, 0.0, 0.0]];
    let graph = by_colour(&rows.concat(), &[0.0; 5]);
    let mut driver = Driver::new(&graph, &RoadTest::default()).expect("it drives");
    for (colour, action) in [
        ([255, 255, 0], Discrete::Brake),
        ([0, 99, 0], Discrete::Right),
        ([0, 0, 255], Discrete::Nothing),
    ] {
        let decided = driver.decide(&flat(colour), true, 0.0).expect("an answer");
        assert_eq!(decided, Action::Discrete(action), "{colour:?}");
    }
}

/// The newest picture's red less the oldest's.
#[test]
fn pictures_are_stacked_by_decisions() {
    let mut weights = vec![0.0; 9];
    (weights[0], weights[6]) = (-1.0, 1.0);
    let first = by_colour(&weights, &[0.0]);
    // The same for a network that has its channels last.
    let mut last = first.clone();
    last.input.shape = Some(
        std::iter::once(Dim::Free("n".into())).chain([SIDE, SIDE, 9].map(Dim::Fixed)).collect(),
    );
    let turn = Node::new("Transpose", "turn", ["x"], ["turned"]);
    last.nodes[0].inputs[0] = "turned".into();
    last.nodes.insert(0, turn.with("perm", Attribute::Ints(vec![0, 3, 1, 2])));
    for graph in [first, last] {
        let test = road("-steering*0.5", Some(3));
        let mut driver = Driver::new(&graph, &test).expect("it drives");
        let mut steering = |red, is_first| match driver
            .decide(&flat([red, 7, 9]), is_first, 40.0)
            .expect("an answer")
        {
            Action::Continuous { steering, gas, brake } => {
                assert_eq!((gas, brake), (0.0, 0.0));
                (steering * -2.0 * 255.0).round()
            }
            Action::Discrete(_) => panic!("a value was said"),
        };
        let seen = [(10, true), (60, false), (200, false), (201, false), (0, true), (1, false)]
            .map(|(red, is_first)| steering(red, is_first));
        assert_eq!(seen, [0.0, 50.0, 190.0, 141.0, 0.0, 1.0]);
    }
}

/// How bright the road is, of a network that takes other pictures than the camera gives.
#[test]
fn pictures_are_cropped_resized_and_recoloured() {
    let mut wide = by_colour(&[1.0, 0.0, 0.0], &[0.0]);
    wide.input.shape = Some([1, 3, 66, 200].map(Dim::Fixed).to_vec());
    let said = Preprocessing {
        crop: Some(Crop { top: 40, ..Crop::default() }),
        resize: Some([200, 66]),
        color: Some(Color::Yuv),
        ..Preprocessing::default()
    };
    let test = RoadTest { preprocessing: Some(said), ..road("steering", None) };
    let mut driver = Driver::new(&wide, &test).expect("it drives");
    for (colour, bright) in [([255, 255, 255], 255.0), ([255, 0, 0], 76.0), ([0, 0, 255], 29.0)] {
        let mut picture = flat(colour);
        picture[..40 * SIDE * 3].fill(99);
        match driver.decide(&picture, true, 0.0).expect("an answer") {
            Action::Continuous { steering, .. } => {
                assert_eq!((steering * 255.0).round(), bright, "{colour:?}");
            }
            Action::Discrete(_) => panic!("a value was said"),
        }
    }
}

#[test]
fn who_cannot_drive_is_told_before_the_start() {
    let three = by_colour(&[0.0; 9], &[0.0; 3]);
    let mut wide = by_colour(&[0.0; 15], &[0.0; 5]);
    wide.input.shape = Some([1, 3, 66, 200].map(Dim::Fixed).to_vec());
    let error = |graph: &Graph, test: &RoadTest| {
        let error = Driver::new(graph, test).map(drop).expect_err("it cannot drive");
        error.to_string()
    };
    for (graph, outputs, stack, why) in [
        (&three, "", None, "its first output is 3 numbers"),
        (&three, "steering,gas", None, "its outputs are 3 numbers for a frame, --outputs names 2"),
        (&three, "", Some(2), "the frames are [6, 96, 96]"),
        (&wide, "", None, "The camera gives 96x96 pixels"),
    ] {
        let said = error(graph, &road(outputs, stack));
        assert!(said.contains(why), "{said}");
    }
    let mean = Preprocessing { mean: vec![0.5], ..Preprocessing::default() };
    let grey = RoadTest { preprocessing: Some(mean), ..RoadTest::default() };
    assert!(error(&three, &grey).contains("the mean has 1 values"));
    let nothing = by_colour(&[0.0; 15], &[f32::NAN; 5]);
    let mut driver = Driver::new(&nothing, &RoadTest::default()).expect("it drives");
    let said = drive(&mut driver, 3, &RoadTest::default(), &mut |_| Ok(()));
    let said = said.expect_err("nothing is said").to_string();
    assert!(said.contains("at step 50 of track 3: the network's answer is not a number"), "{said}");
}

/// Hands in this thread; the first gets lost at its second drive.
#[derive(Default)]
struct Hands {
    hands: Vec<Hand>,
    answers: Vec<VecDeque<Vec<u8>>>,
    drives: usize,
}

impl Crew for Hands {
    fn most(&self) -> usize {
        2
    }

    async fn muster(&mut self, hands: usize, muster: Vec<u8>) {
        self.hands.resize_with(hands, Hand::default);
        self.hands.iter_mut().for_each(|hand| drop(hand.answer(&muster).expect("it is called")));
        self.answers = vec![VecDeque::new(); hands];
    }

    async fn ready(&mut self) -> usize {
        self.hands.len()
    }

    fn ask(&mut self, hand: usize, work: Vec<u8>) {
        let answer = self.hands[hand].answer(&work).expect("it drives");
        self.answers[hand].push_back(answer);
        self.drives += 1;
    }

    async fn answer(&mut self, hand: usize) -> Option<Vec<u8>> {
        let answer = self.answers[hand].pop_front();
        answer.filter(|_| hand > 0 || !self.answers[0].is_empty())
    }
}

/// All drives, and how much was done at last.
fn drives(graphs: &[Graph], test: &RoadTest, crew: &mut impl Crew) -> (Vec<Vec<Drive>>, usize) {
    let entries: Vec<Entry<'_>> =
        graphs.iter().map(|graph| Entry { file: "net.onnx", graph }).collect();
    let mut driven = vec![Vec::new(); graphs.len()];
    let mut heard = 0;
    let mut progress = |done, total| {
        assert!(heard <= done && done <= total, "{heard} {done} {total}");
        heard = done;
        Ok(())
    };
    let mut drove = |network: usize, drive| driven[network].push(drive);
    let seeds = test.seeds();
    let listener = Listener { progress: &mut progress, drove: &mut drove };
    let all = async {
        let mut fleet = Fleet::new(test, graphs.len() * seeds.len(), crew).await?;
        fleet.drive(&entries, &seeds, listener).await
    };
    ready(all).expect("they drive");
    driven.iter_mut().for_each(|drives| drives.sort_by_key(|drive| drive.track.seed));
    (driven, heard)
}

#[test]
fn it_does_not_matter_who_lets_them_drive() {
    // Gas where there is much grass, else to the right; and another that turns later.
    let rows = [[0.0; 3], [0.0, -1.0, 0.0], [0.0; 3], [0.0, 1.0, 0.0], [0.0; 3]].concat();
    let graphs = [-0.5, -0.6].map(|gas| by_colour(&rows, &[-9.0, 0.5, -9.0, gas, -9.0]));
    let preprocessing = Some(Preprocessing { divide: Some(200.0), ..Preprocessing::default() });
    let test = RoadTest { tracks: 4, steps: 140, preprocessing, ..RoadTest::default() };
    let (alone, heard) = drives(&graphs, &test, &mut Alone);
    assert_eq!(heard, 2 * 4 * 100);
    let mut hands = Hands::default();
    assert_eq!(drives(&graphs, &test, &mut hands).0, alone);
    assert!(hands.drives >= 4, "{} drives by hands", hands.drives);
    for drives in &alone {
        assert_eq!(drives.iter().map(|drive| drive.track.seed).collect::<Vec<_>>(), test.seeds());
        assert!(drives.iter().all(|drive| drive.decisions.len() == 30));
    }
}

/// The first decisions are those that it makes in Gymnasium (`models/make/drive.py`), natively and in every
/// browser: floats are computed on the deterministic path.
#[test]
fn a_bundled_network_drives_alike_everywhere() {
    let graph = onnx::read(ASSIGNMENT).expect("it is read");
    let test = RoadTest { steps: 350, ..RoadTest::default() };
    let mut driver = Driver::new(&graph, &test).expect("it drives");
    let Drive { track, decisions, .. } =
        drive(&mut driver, 20_000, &test, &mut |_| Ok(())).expect("it drives");
    let place = |[steering, gas, brake]: &[f32; 3]| match (steering, gas, brake) {
        (steering, ..) if *steering > 0.0 => 'l',
        (steering, ..) if *steering < 0.0 => 'r',
        (_, gas, _) if *gas > 0.0 => 'g',
        (.., brake) if *brake > 0.0 => 'b',
        _ => '-',
    };
    let said: String = decisions.iter().map(place).collect();
    assert_eq!((track.tiles, track.steps, track.finished), (80, 350, false));
    assert_eq!(
        said,
        "ggggggggggggggggggggggggggggggrggggggggggggggggglggg-lll-glllllllgrrrgggggggggggggggggggglgggggggrgg"
    );
}
