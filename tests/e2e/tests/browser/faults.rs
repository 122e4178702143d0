//! Workers that die at random moments of every job.
//!
//! More often by hand: `E2E_STRIKES=200 cargo xtask test browser`; the same again: `E2E_SEED`, which is printed.

use std::env;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use e2e::{Page, in_browser, is_chrome};
use thirtyfour::prelude::*;

const STRIKES: u64 = 10;

/// A job is struck within so many milliseconds of its beginning.
const WITHIN: u64 = 2500;

/// Knows every living worker of the page. One that is struck dies as it would of a fault that nobody catches:
/// the page hears of an error and nothing more.
const WATCH: &str = "
    const Real = window.Worker;
    const living = new Set();
    window.Worker = class extends Real {
        constructor(...how) { super(...how); living.add(this); }
        terminate() { living.delete(this); super.terminate(); }
    };
    window.strike = (chance) => {
        const struck = [...living][chance % living.size];
        struck.terminate();
        struck.dispatchEvent(new ErrorEvent('error', { message: 'struck' }));
        return living.size;
    };";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Job {
    Quantize,
    Measure,
    Analyze,
    Search,
    Train,
}

const JOBS: [Job; 5] = [Job::Quantize, Job::Measure, Job::Analyze, Job::Search, Job::Train];

impl Job {
    async fn start(self, page: &Page) -> WebDriverResult<()> {
        match self {
            Self::Quantize => page.press_go().await,
            Self::Measure => {
                page.at("compare").await?;
                page.click("measure-all:not([disabled])").await
            }
            Self::Analyze => {
                page.at("layers").await?;
                page.click("analyze:not([disabled])").await
            }
            Self::Search => {
                page.at("layers").await?;
                page.click("search:not([disabled])").await
            }
            Self::Train => {
                page.at("train").await?;
                match page.all("resume-training").await?.is_empty() {
                    true => page.click("train:not([disabled])").await,
                    false => page.click("resume-training:not([disabled])").await,
                }
            }
        }
    }
}

#[test]
fn workers_that_die_at_random_moments_lose_nothing_that_was_finished() {
    // Only Chrome runs a script before the page's own.
    if !is_chrome() {
        return;
    }
    let given = |name| env::var(name).ok().and_then(|text| text.parse().ok());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock that is set");
    let seed = given("E2E_SEED").unwrap_or(now.as_nanos() as u64);
    let strikes = given("E2E_STRIKES").unwrap_or(STRIKES);
    println!("E2E_SEED={seed}");
    in_browser(async move |page| {
        let mut chance = Chance(seed);
        page.before_its_own_scripts(WATCH).await?;
        page.open_link("network=assignment").await?;
        page.wait_for("network-assignment[data-status=ready]").await?;
        page.at("layers").await?;
        page.pick("analysis-frames", "200").await?;
        page.pick("search-frames", "200").await?;
        page.quantize("assignment").await?;
        page.wait_for("kept[data-value='2']").await?;
        let made = page.hashes().await?;
        let mut waits = Vec::new();
        for strike in 0..strikes {
            let job = JOBS[strike as usize % JOBS.len()];
            job.start(&page).await?;
            tokio::time::sleep(Duration::from_millis(chance.below(WITHIN))).await;
            let epochs = trained(&page).await?;
            let which = chance.below(1 << 20);
            page.driver.execute("return strike(arguments[0])", vec![which.into()]).await?;
            let begun = Instant::now();
            ready(&page).await?;
            waits.push(begun.elapsed().as_secs_f64());
            let kept = page.hashes().await?;
            assert!(made.iter().all(|hash| kept.contains(hash)), "{job:?}, {strike}: {kept:?}");
            let left = trained(&page).await?;
            assert!(job != Job::Train || left >= epochs, "{left} of {epochs} epochs are left");
        }
        waits.sort_by(f64::total_cmp);
        let [median, worst] = [waits[waits.len() / 2], waits[waits.len() - 1]];
        println!("{strikes} strikes: ready again after {median:.1} s, at worst {worst:.1} s");

        let again = page.quantize("assignment").await?;
        assert_eq!(again.len(), 2);
        assert!(page.hashes().await? == made, "the same recipe gives the same bytes");
        page.open_link("place=compare&network=assignment").await?;
        page.wait_for("compare-table").await?;
        assert_eq!(page.hashes().await?, made, "after a reload");
        Ok(())
    });
}

/// How many epochs of a training are done.
async fn trained(page: &Page) -> WebDriverResult<u32> {
    let Some(training) = page.all("training").await?.into_iter().next() else { return Ok(0) };
    let done = training.attr("data-value").await?;
    Ok(done.and_then(|done| done.parse().ok()).unwrap_or(0))
}

/// Waits until the page can be asked for something again, and takes its notices away. A job whose worker was
/// not the one that died goes on; it is broken off then.
async fn ready(page: &Page) -> WebDriverResult<()> {
    let begun = Instant::now();
    page.wait_until("the page is ready again", async || {
        page.dismiss_notices().await.ok()?;
        if begun.elapsed() > Duration::from_secs(1) {
            page.try_click("cancel").await.ok()?;
        }
        page.all("quantize:not([disabled])").await.ok()?.first().map(|_| ())
    })
    .await
}

/// SplitMix64, by Steele, Lea and Flood (2014).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}
