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
    let notes = roles.iter().filter_map(|&role| match state.fit(network, role) {
        Fit::Misfit { wants, has } => {
            let opener = opener.clone();
            let picked = Callback::from(move |selection: Selection| opener.data(role, selection));
            let onclick = dispatch.reform(move |_: MouseEvent| Action::UseBundledData(role));
            let own = state.data(role).loaded.as_ref().is_some_and(|loaded| !loaded.bundled);
            let bundled = if own { "" } else { "bundled " };
            let kind = match role {
                Role::Validation => "validation",
                Role::Calibration => "calibration",
                Role::Training => "training",
            };
            Some(html! {
                <div class="misfit" data-testid="misfit" data-role={kind}>
                    <p>
                        { format!("{} takes {}, and the {bundled}{kind} frames are {}. ",
                            network.title, wants, has) }
                        { way_out }
                    </p>
                    <FileButton testid={format!("misfit-open-{kind}")} text={format!("Open {kind} frames")}
                        multiple=true accept={accepted_frames()} picked={picked.clone()} />
                    <FileButton testid={format!("misfit-open-{kind}-folder")} text="Open a folder" folder=true
                        {picked} />
                    if own && state.takes_bundled(network) {
                        <button type="button" class="button quiet" {onclick}>
                            {"Use the bundled frames"}
                        </button>
                    }
                </div>
            })
        }
        Fit::Fits | Fit::Unknown => None,
    });
    html! { <>{ for notes }</> }
}
