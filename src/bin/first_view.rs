//! Prints what the page's HTML shows before its program runs; `cargo xtask dist` writes it there.

fn main() {
    print!("{}", steer8::page::view::first_view::html());
}
