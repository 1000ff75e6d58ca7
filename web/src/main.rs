//! The console's start in the browser.

fn main() {
    // What is delivered is compiled without the words of a panic, for their weight.
    #[cfg(debug_assertions)]
    console_error_panic_hook::set_once();
    wasm_bindgen_futures::spawn_local(async {
        web::locale::begin().await;
        web::dom::mount_to_body(web::app::App);
    });
}
