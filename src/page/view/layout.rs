//! What stands where on the page.

use yew::prelude::*;

use super::around::action_bar::ActionBar;
use super::around::explain::Explanations;
use super::around::kept_line::KeptLine;
use super::around::masthead::{Lead, Masthead};
use super::around::places::Places;
use super::charts::latencies::Latencies;
use super::charts::trade_off::TradeOff;
use super::compare::compare_table::CompareTable;
use super::compare::details::Details;
use super::compare::results::Results;
use super::compare::shared_panel::SharedPanel;
use super::compare::short_verdict::ShortVerdict;
use super::data::data_panel::DataPanel;
use super::data::drop_zone::DropZone;
use super::data::entering_figure::Doubts;
use super::data::misfit::Misfit;
use super::data::opener::Opener;
use super::frames::frame_grid::FrameGrid;
use super::frames::frame_strip::FrameStrip;
use super::layers::analysis_section::AnalysisSection;
use super::networks::network_list::NetworkList;
use super::props::{PageClock, Snapshot};
use super::recipe::recipe_panel::RecipePanel;
use super::recipe::road_section::RoadSection;
use super::recipe::search_section::SearchSection;
use super::stage::DriveStage;
use super::train::train_section::TrainSection;
use crate::page::place::Place;
use crate::page::state::{Action, State};

/// All that is on the page.
pub(super) struct Layout<'a> {
    pub(super) state: Snapshot,
    /// The places that are rendered, each with the state as it showed it last: where nobody is, nothing is
    /// rendered anew, and where somebody is, only what shows how far things are follows every report of that.
    pub(super) seen: &'a [(Place, Snapshot)],
    pub(super) dispatch: Callback<Action>,
    pub(super) opener: Opener,
    pub(super) clock: PageClock,
}

impl Layout<'_> {
    pub(super) fn view(&self) -> Html {
        let Self { state, dispatch, .. } = self;
        let places = self.seen.iter().map(|(place, seen)| self.place(*place, seen));
        html! {
            <ContextProvider<Opener> context={self.opener.clone()}>
            <ContextProvider<PageClock> context={self.clock}>
                <Masthead state={state.clone()} dispatch={dispatch.clone()} />
                <Places state={state.clone()} dispatch={dispatch.clone()} />
                <main>
                    <SharedPanel state={state.clone()} dispatch={dispatch.clone()} />
                    <Misfit state={state.clone()} dispatch={dispatch.clone()} />
                    { for places }
                </main>
                <DropZone />
                <Explanations />
            </ContextProvider<PageClock>>
            </ContextProvider<Opener>>
        }
    }

    /// A place that was left keeps its scrolled lists, opened folds and canvases.
    fn place(&self, place: Place, seen: &Snapshot) -> Html {
        let state = seen.clone();
        let live = if self.state.place == place { self.state.clone() } else { seen.clone() };
        let dispatch = self.dispatch.clone();
        let content = match place {
            Place::Drive => html! {
                <>
                    <Lead />
                    // It hears at once that it went out of sight, and stands.
                    <DriveStage state={self.state.clone()} dispatch={dispatch.clone()} />
                    <div class="bench">
                        <NetworkList state={state.clone()} dispatch={dispatch.clone()} />
                        <section class="stage" aria-label="The chosen network">
                            <Doubts state={state.clone()} dispatch={dispatch.clone()} />
                            <RecipePanel state={state.clone()} dispatch={dispatch.clone()} />
                            <ShortVerdict state={state.clone()} dispatch={dispatch.clone()} />
                            <ActionBar {state} {dispatch} />
                        </section>
                    </div>
                </>
            },
            Place::Compare => html! {
                <>
                    <Results state={state.clone()} dispatch={dispatch.clone()} />
                    <CompareTable state={state.clone()} dispatch={dispatch.clone()} />
                    <Latencies state={live} dispatch={dispatch.clone()} />
                    <TradeOff state={state.clone()} dispatch={dispatch.clone()} />
                    <Details state={state.clone()} dispatch={dispatch.clone()} />
                    <RoadSection state={state.clone()} dispatch={dispatch.clone()} />
                    <KeptLine {state} {dispatch} />
                </>
            },
            Place::Layers => html! {
                <>
                    <AnalysisSection state={state.clone()} dispatch={dispatch.clone()} />
                    <SearchSection {state} {dispatch} />
                </>
            },
            Place::Frames => html! {
                <>
                    <div class="panel"><FrameStrip state={state.clone()} dispatch={dispatch.clone()} /></div>
                    <FrameGrid {state} {dispatch} />
                </>
            },
            Place::Train => html! { <TrainSection state={live} {dispatch} /> },
            Place::Data => html! {
                <>
                    <DataPanel state={live} dispatch={dispatch.clone()} />
                    <KeptLine {state} {dispatch} />
                </>
            },
        };
        html! {
            <div key={place.id()} class="place" hidden={self.state.place != place}>
                if place != Place::Drive {
                    <header class="place-head">
                        <h1>{ place.name() }</h1>
                        <p class="hint">{ place.purpose() }</p>
                    </header>
                }
                if matches!(place, Place::Layers | Place::Train) && has_scales(seen) {
                    <p class="panel hint">
                        {"The chosen file is quantized already, with scales of its own. Choose a float network \
                          to see what a recipe does to it, and to train it."}
                    </p>
                }
                { content }
            </div>
        }
    }
}

/// Whether the chosen network came quantized.
fn has_scales(state: &State) -> bool {
    state.selected().is_some_and(|network| network.inspection().is_some() && !network.is_float())
}
