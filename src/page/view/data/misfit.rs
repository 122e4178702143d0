//! Says that the frames at hand, or the bundled ones that would be fetched, do not fit the chosen network, and
//! offers the way out. It stands above every place: what is opened in one is wanted in others.

use yew::prelude::*;

use super::file_button::FileButton;
use super::opener::Opener;
use crate::lab::protocol::Role;
use crate::page::place::Place;
use crate::page::state::{Action, Fit};
use crate::page::view::props::PageProps;
use crate::web::files::{Selection, accepted_frames};

#[component]
pub(in crate::page::view) fn Misfit(PageProps { state, dispatch }: &PageProps) -> Html {
    let opener = use_context::<Opener>().expect("the app provides an opener");
    let Some(network) = state.selected() else { return Html::default() };
    // Who does not train needs none to train on.
    let trains = state.training.loaded.is_some() || state.place == Place::Train;
    let roles: &[Role] = match network.is_float() {
        true if trains => &[Role::Validation, Role::Calibration, Role::Training],
        true => &[Role::Validation, Role::Calibration],
        false => &[Role::Validation],
    };
    let way_out = match network.inspection() {
        Some(inspection) if inspection.inputs.len() > 1 => {
            "Open an .npz with an array named for each input."
        }
        _ => {
            "Open frames that fit: an .npz, a zip, or a folder as it lies on your disk (a Donkeycar tub, a log with \
             its images, class folders); images can be resized, in Data, under \u{201c}How your own frames \
             enter\u{201d}."
        }
    };
    let misfit = |&role: &Role| {
        let Fit::Misfit { wants, has } = state.fit(network, role) else { return None };
        let own = state.data(role).loaded.as_ref().is_some_and(|loaded| !loaded.bundled);
        Some((role, Cause { wants, has, own }))
    };
    let misfits: Vec<(Role, Cause)> = roles.iter().filter_map(misfit).collect();
    // Sets with the same fault are one notice.
    let notes = misfits.chunk_by(|(_, a), (_, b)| a == b).map(|sets| {
        let Cause { wants, has, own } = &sets[0].1;
        let kinds: Vec<&str> = sets.iter().map(|(role, _)| role.name()).collect();
        let bundled = if *own { "" } else { "bundled " };
        let opens = sets.iter().map(|&(role, _)| {
            let opener = opener.clone();
            let picked = Callback::from(move |selection: Selection| opener.data(role, selection));
            let kind = role.name();
            html! {
                <>
                    <FileButton testid={format!("misfit-open-{kind}")} text={format!("Open {kind} frames")}
                        multiple=true accept={accepted_frames()} picked={picked.clone()} />
                    <FileButton testid={format!("misfit-open-{kind}-folder")} text="Open a folder" folder=true
                        {picked} />
                </>
            }
        });
        let roles: Vec<Role> = sets.iter().map(|(role, _)| *role).collect();
        let dispatch = dispatch.clone();
        let onclick = Callback::from(move |_: MouseEvent| {
            roles.iter().for_each(|&role| dispatch.emit(Action::UseBundledData(role)));
        });
        html! {
            <div class="misfit" data-testid="misfit" data-role={kinds.join(" ")}>
                <p>
                    { format!("{} takes {wants}, and the {bundled}{} frames are {has}. ",
                        network.title, kinds.join(" and ")) }
                    { way_out }
                </p>
                { for opens }
                if *own && state.takes_bundled(network) {
                    <button type="button" class="button quiet" {onclick}>
                        {"Use the bundled frames"}
                    </button>
                }
            </div>
        }
    });
    html! { <>{ for notes }</> }
}

/// Why frames do not fit.
#[derive(PartialEq)]
struct Cause {
    /// Shapes, in words.
    wants: String,
    has: String,
    /// Whether they are not the bundled ones.
    own: bool,
}
