//! The page: started by `www/boot.js`.

use steer8::page::view::app::App;

fn main() {
    console_error_panic_hook::set_once();
    yew::Renderer::<App>::new().render();
}
