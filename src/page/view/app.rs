//! The root: actions in, the reducer, effects out, the page below.

use std::rc::Rc;

use yew::prelude::*;

use super::action_bar::ActionBar;
use super::analysis_section::AnalysisSection;
use super::charts::trade_off::TradeOff;
use super::compare_table::CompareTable;
use super::data_panel::DataPanel;
use super::drop_zone::DropZone;
use super::entering_figure::Doubts;
use super::frame_grid::FrameGrid;
use super::frame_strip::FrameStrip;
use super::kept_line::KeptLine;
use super::masthead::{Lead, Masthead};
use super::misfit::Misfit;
use super::network_list::NetworkList;
use super::notices::Notices;
use super::opener::Opener;
use super::places::Places;
use super::props::{PageClock, Snapshot};
use super::recipe_panel::RecipePanel;
use super::results::Results;
use super::road_section::RoadSection;
use super::search_section::SearchSection;
use super::shell::Shell;
use super::short_verdict::ShortVerdict;
use super::stage::DriveStage;
use super::train_section::TrainSection;
use crate::page::place::Place;
use crate::page::state::{Action, State};

pub struct App {
    state: Rc<State>,
    /// The state as each place showed it last: where nobody is, nothing is rendered anew.
    seen: [Snapshot; Place::ALL.len()],
    shell: Shell,
    clock: PageClock,
    dispatch: Callback<Action>,
    opener: Opener,
}

impl Component for App {
    type Message = Action;
    type Properties = ();

    fn create(ctx: &Context<Self>) -> Self {
        let dispatch = ctx.link().callback(|action| action);
        let mut shell = Shell::new(dispatch.clone());
        let opener = shell.opener();
        shell.follow_links();
        ctx.link().send_message(Action::Start);
        let (state, seen) = Default::default();
        Self { state, seen, shell, clock: PageClock::start(), dispatch, opener }
    }

    fn update(&mut self, _: &Context<Self>, action: Action) -> bool {
        let effects = Rc::make_mut(&mut self.state).update(action, self.clock.now());
        self.seen[self.state.place.at()] = Snapshot(self.state.clone());
        for effect in effects {
            self.shell.perform(effect);
        }
        true
    }

    fn view(&self, _: &Context<Self>) -> Html {
        let state = Snapshot(self.state.clone());
        let dispatch = self.dispatch.clone();
        html! {
            <ContextProvider<Opener> context={self.opener.clone()}>
            <ContextProvider<PageClock> context={self.clock}>
                <Masthead />
                <Places state={state.clone()} dispatch={dispatch.clone()} />
                <main>{ for Place::ALL.into_iter().map(|place| self.place(place)) }</main>
                <Notices state={state} dispatch={dispatch} />
                <DropZone />
            </ContextProvider<PageClock>>
            </ContextProvider<Opener>>
        }
    }
}

impl App {
    /// A place that was left keeps its scrolled lists, opened folds and canvases.
    fn place(&self, place: Place) -> Html {
        let state = self.seen[place.at()].clone();
        let dispatch = self.dispatch.clone();
        let content = match place {
            Place::Drive => html! {
                <>
                    <Lead />
                    // It hears at once that it went out of sight, and stands.
                    <DriveStage state={Snapshot(self.state.clone())} dispatch={dispatch.clone()} />
                    <div class="bench">
                        <NetworkList state={state.clone()} dispatch={dispatch.clone()} />
                        <section class="stage" aria-label="The chosen network">
                            <Doubts state={state.clone()} dispatch={dispatch.clone()} />
                            <Misfit state={state.clone()} dispatch={dispatch.clone()} />
                            <RecipePanel state={state.clone()} dispatch={dispatch.clone()} />
                            <ShortVerdict state={state.clone()} dispatch={dispatch.clone()} />
                            <ActionBar {state} {dispatch} />
                        </section>
                    </div>
                </>
            },
            Place::Compare => html! {
                <>
                    <CompareTable state={state.clone()} dispatch={dispatch.clone()} />
                    <TradeOff state={state.clone()} dispatch={dispatch.clone()} />
                    <Results state={state.clone()} dispatch={dispatch.clone()} />
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
            Place::Train => html! { <TrainSection {state} {dispatch} /> },
            Place::Data => html! { <DataPanel {state} {dispatch} /> },
        };
        html! {
            <div key={place.id()} class="place" hidden={self.state.place != place}>
                if place != Place::Drive {
                    <header class="place-head">
                        <h1>{ place.name() }</h1>
                        <p class="hint">{ place.purpose() }</p>
                    </header>
                }
                if matches!(place, Place::Layers | Place::Train) && has_scales(&self.seen[place.at()]) {
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
