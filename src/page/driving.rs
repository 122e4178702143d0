//! What two drives on one track come to, in a sentence.

use crate::page::state::Drive;
use crate::vocabulary::stage::{End, Ground, Pose};

/// Waypoints over which a direction is told.
const SPAN: usize = 3;
/// More than this, in radians a waypoint, is a bend.
const BENT: f32 = 0.05;
/// A bend has at least so many waypoints.
const LEAST: usize = 5;

/// Of each waypoint the bend in which it lies, counted from 1 in driving order.
fn bends(ground: &Ground) -> Vec<Option<usize>> {
    let count = ground.centre.len();
    let heading = |at: usize| {
        let ([x, y], [to_x, to_y]) =
            (ground.centre[at % count], ground.centre[(at + SPAN) % count]);
        (to_y - y).atan2(to_x - x)
    };
    let turn = |at: usize| {
        let turn = heading(at + SPAN) - heading(at);
        let whole = std::f32::consts::TAU;
        (turn - whole * (turn / whole).round()).abs() / SPAN as f32
    };
    let bent: Vec<bool> = (0..count).map(|at| turn(at) > BENT).collect();
    let mut bends = vec![None; count];
    let (mut number, mut at) = (0, 0);
    for stretch in bent.chunk_by(|one, next| one == next) {
        if stretch[0] && stretch.len() >= LEAST {
            number += 1;
            // The turn of a waypoint is that of the road ahead of it.
            (at..at + stretch.len()).for_each(|at| bends[(at + SPAN) % count] = Some(number));
        }
        at += stretch.len();
    }
    bends
}

/// Where a car left the road for the first time, in words.
fn left_road(ground: &Ground, poses: &[Pose]) -> Option<String> {
    let pose = poses.iter().find(|pose| pose.off_road)?;
    let far = |[x, y]: &[f32; 2]| (x - pose.hull[0]).hypot(y - pose.hull[1]);
    let centre = ground.centre.iter().enumerate();
    let (near, _) = centre.min_by(|a, b| far(a.1).total_cmp(&far(b.1)))?;
    Some(match bends(ground)[near] {
        Some(bend) => format!("leaves the road in bend {bend}"),
        None => "leaves the road on a straight".into(),
    })
}

/// What both drives come to; `None` while one is under way.
pub fn sentence(ground: &Ground, drives: [(&str, &Drive); 2]) -> Option<String> {
    let each = drives.map(|(name, drive)| {
        let (end, last) = (drive.end?, drive.poses.last()?);
        let left = left_road(ground, &drive.poses).map(|left| format!("{left} and "));
        let left = left.unwrap_or_default();
        let end = match end {
            End::Finished => "finishes the lap",
            End::Outside => "ends outside the field",
            End::OutOfTime => "does not finish in time",
        };
        Some(format!("{name} {left}{end} (return {:.0})", last.total))
    });
    let [Some(one), Some(other)] = each else { return None };
    Some(format!("On track {}, {one}; {other}.", ground.seed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::stage::Shapes;
    use serde_bytes::ByteBuf;

    fn pose(hull: [f32; 3], off_road: bool) -> Pose {
        Pose { hull, wheels: [[0.0; 3]; 4], speed: 0.0, total: 37.4, tiles: 0, off_road }
    }

    /// A square of straights with round corners, driven against the clock from the middle of the lowest.
    fn square() -> Ground {
        let straight = |i: usize, side: usize| {
            let along = [i as f32 * 5.0 - 50.0, -60.0];
            (0..side).fold(along, |[x, y], _| [-y, x])
        };
        let corner = |i: usize, side: usize| {
            let angle = i as f32 / 10.0 * std::f32::consts::FRAC_PI_2;
            let at = [50.0 + 10.0 * angle.sin(), -50.0 - 10.0 * angle.cos()];
            (0..side).fold(at, |[x, y], _| [-y, x])
        };
        let side = |side: usize| {
            (10..20)
                .map(move |i| straight(i, side))
                .chain((0..10).map(move |i| corner(i, side)))
                .chain((0..10).map(move |i| straight(i, side + 1)))
        };
        Ground {
            seed: 7,
            tiles: Vec::new(),
            kerbs: Vec::new(),
            centre: (0..4).flat_map(side).collect(),
            field: 300.0,
            car: Shapes { hull: Vec::new(), wheel: Vec::new() },
            start: ByteBuf::new(),
        }
    }

    #[test]
    fn bends_are_counted_as_they_come() {
        let ground = square();
        let bends = bends(&ground);
        assert_eq!(bends.iter().flatten().max(), Some(&4));
        let place = |x: f32, y: f32| left_road(&ground, &[pose([x, y, 0.0], true)]).unwrap();
        assert!(place(0.0, -70.0).ends_with("on a straight"));
        assert!(place(60.0, -60.0).ends_with("bend 1"), "{}", place(60.0, -60.0));
        assert!(place(60.0, 60.0).ends_with("bend 2"));
    }

    #[test]
    fn a_sentence_waits_for_both() {
        let ground = square();
        let drive = |end, poses| Drive { end, poses, ..Drive::default() };
        let fine = drive(Some(End::Finished), vec![pose([0.0, -60.0, 0.0], false)]);
        let lost = drive(Some(End::Outside), vec![pose([64.0, -64.0, 0.0], true)]);
        let under_way = drive(None, Vec::new());
        assert_eq!(
            sentence(&ground, [("float", &fine), ("int8", &lost)]).as_deref(),
            Some(
                "On track 7, float finishes the lap (return 37); int8 leaves the road in bend 1 and ends \
                 outside the field (return 37)."
            )
        );
        assert_eq!(sentence(&ground, [("float", &fine), ("int8", &under_way)]), None);
    }
}
