//! Driving, for a search by what networks drive. Whoever asks for the search has the road; here it is only
//! decided who is let on it, and how often.

use super::super::Step;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::progress::Progress;
use crate::quantize::step::StepProgress;
use crate::score::driving::kept;
use crate::vocabulary::driving::{Kept, MOST_TRACKS, RoadSearch, Verdict};

/// Tracks that a trial drives first; twice as many as long as nothing is decided.
const FEW: usize = 4;

/// Lets networks drive.
#[expect(async_fn_in_trait, reason = "nobody asks for more than one thread")]
pub trait Road {
    /// The returns of a network along the tracks of these seeds, in their order.
    ///
    /// # Errors
    /// A network that cannot drive; cancelling.
    async fn returns(
        &mut self,
        network: &Graph,
        seeds: &[u64],
        progress: &mut Progress<'_>,
    ) -> Result<Vec<f64>>;
}

/// For searches that want no return.
#[derive(Debug, Clone, Copy)]
pub struct NoRoad;

impl Road for NoRoad {
    async fn returns(&mut self, _: &Graph, _: &[u64], _: &mut Progress<'_>) -> Result<Vec<f64>> {
        Err(Error::new("there is no road to drive on"))
    }
}

/// The float network's drives, and what others are worth beside them.
pub(super) struct Drives<'a, R> {
    road: &'a mut R,
    float: &'a Graph,
    /// What of the return is to be kept.
    share: f64,
    /// The tracks of trials, and those that choose nothing.
    seen: Vec<u64>,
    unseen: Vec<u64>,
    /// The float network's returns, as far as they were needed, and those of the last trial.
    of_float: Vec<f64>,
    of_last: Vec<f64>,
}

impl<'a, R: Road> Drives<'a, R> {
    pub(super) fn new(
        road: &'a mut R,
        float: &'a Graph,
        share: f64,
        how: &RoadSearch,
    ) -> Result<Self> {
        how.test.check()?;
        if how.unseen > MOST_TRACKS {
            return Err(Error::new(format!("there are {MOST_TRACKS} tracks at most")));
        }
        if !(share.is_finite() && share > 0.0) {
            return Err(Error::new(format!("{share} of a return can't be kept")));
        }
        let mut seeds = how.test.from..;
        let seen = seeds.by_ref().take(how.test.tracks).collect();
        let unseen = seeds.take(how.unseen).collect();
        let (of_float, of_last) = (Vec::new(), Vec::new());
        Ok(Self { road, float, share, seen, unseen, of_float, of_last })
    }

    /// What a trial keeps, on as many tracks as it takes to know whether that is enough.
    pub(super) async fn trial(
        &mut self,
        network: &Graph,
        progress: &mut StepProgress<'_>,
    ) -> Result<Kept> {
        self.of_last.clear();
        let mut count = FEW;
        loop {
            let kept = self.kept(network, count, progress).await?;
            if count >= self.seen.len() || kept.verdict() != Verdict::NotDecided {
                return Ok(kept);
            }
            count *= 2;
        }
    }

    /// What the last trial keeps on all tracks that trials have: few may leave out the one that it fails on.
    pub(super) async fn confirmed(
        &mut self,
        network: &Graph,
        progress: &mut StepProgress<'_>,
    ) -> Result<Kept> {
        self.kept(network, self.seen.len(), progress).await
    }

    async fn kept(
        &mut self,
        network: &Graph,
        count: usize,
        progress: &mut StepProgress<'_>,
    ) -> Result<Kept> {
        let tracks = &self.seen[..count.min(self.seen.len())];
        drive(self.road, self.float, tracks, &mut self.of_float, progress).await?;
        drive(self.road, network, tracks, &mut self.of_last, progress).await?;
        Ok(kept(&self.of_last, &self.of_float, self.share))
    }

    /// What it keeps on the tracks that have chosen nothing; `None` without any.
    pub(super) async fn unseen(
        &mut self,
        network: &Graph,
        progress: &mut StepProgress<'_>,
    ) -> Result<Option<Kept>> {
        let mut both = [Vec::new(), Vec::new()];
        for (graph, returns) in [self.float, network].into_iter().zip(&mut both) {
            drive(self.road, graph, &self.unseen, returns, progress).await?;
        }
        let [float, own] = both;
        Ok((!own.is_empty()).then(|| kept(&own, &float, self.share)))
    }
}

/// Adds the returns of those tracks that are not known yet.
async fn drive<R: Road>(
    road: &mut R,
    network: &Graph,
    tracks: &[u64],
    known: &mut Vec<f64>,
    progress: &mut StepProgress<'_>,
) -> Result<()> {
    if let Some(missing @ [_, ..]) = tracks.get(known.len()..) {
        let mut driving = |done, total| progress(Step::Drive, done, total);
        known.extend(road.returns(network, missing, &mut driving).await?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::ready;
    use crate::vocabulary::driving::RoadTest;

    /// Pays by the network's name, a little more or less from track to track, and counts the drives.
    struct Paying(Vec<(String, usize)>);

    impl Road for Paying {
        async fn returns(
            &mut self,
            network: &Graph,
            seeds: &[u64],
            _: &mut Progress<'_>,
        ) -> Result<Vec<f64>> {
            self.0.push((network.name.clone(), seeds.len()));
            let mean = network.name.parse::<f64>().unwrap_or_default();
            Ok(seeds
                .iter()
                .map(|seed| mean + 40.0 * (seed % 4) as f64 * (mean - 900.0) / 900.0)
                .collect())
        }
    }

    fn network(name: &str) -> Graph {
        Graph { name: name.into(), ..Graph::default() }
    }

    #[test]
    fn more_tracks_are_driven_the_nearer_it_is() {
        let float = network("900");
        let mut road = Paying(Vec::new());
        let test = RoadTest { tracks: 12, ..RoadTest::default() };
        let how = RoadSearch { test, unseen: 3 };
        let mut drives = Drives::new(&mut road, &float, 0.99, &how).unwrap();
        let mut tracks = |name: &str| {
            let kept = ready(drives.trial(&network(name), &mut |_, _, _| Ok(()))).unwrap();
            (kept.tracks, kept.verdict())
        };
        assert_eq!(tracks("900"), (4, Verdict::Holds));
        assert_eq!(tracks("500"), (4, Verdict::DoesNotHold));
        assert_eq!(tracks("891.5"), (12, Verdict::NotDecided));
        let unseen = |drives: &mut Drives<'_, Paying>, name| {
            ready(drives.unseen(&network(name), &mut |_, _, _| Ok(()))).unwrap()
        };
        assert_eq!(tracks("905"), (4, Verdict::Holds));
        let confirmed = ready(drives.confirmed(&network("905"), &mut |_, _, _| Ok(())));
        assert_eq!(confirmed.unwrap().tracks, 12);
        let unseen_tracks = unseen(&mut drives, "870").unwrap();
        assert_eq!((unseen_tracks.tracks, unseen_tracks.verdict()), (3, Verdict::DoesNotHold));
        // The float network drives each track once; its like was tried, too.
        let of_float = road.0.iter().filter(|(name, _)| name == "900").map(|(_, count)| count);
        assert_eq!(of_float.sum::<usize>(), 12 + 3 + 4);
        let none = RoadSearch { unseen: 0, ..how };
        let mut drives = Drives::new(&mut road, &float, 0.99, &none).unwrap();
        assert_eq!(unseen(&mut drives, "900"), None);
        assert!(Drives::new(&mut road, &float, f64::NAN, &none).is_err());
    }
}
