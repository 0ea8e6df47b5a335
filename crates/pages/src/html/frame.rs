//! What all pages have around them.

use chela_contract::Micros;
use maud::{DOCTYPE, Markup, html};

use crate::assets;

/// Whether a page is fetched again and again by a browser that runs no scripts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reload {
    Never,
    WithoutScript,
}

/// A whole page. All its links are relative, so that a proxy may put it below a path of its own;
/// it stands two segments deep.
pub(super) fn frame(title: &str, reload: Reload, now: Micros, body: &Markup) -> Markup {
    let live = reload == Reload::WithoutScript;
    html! {
        (DOCTYPE)
        html lang="en" data-now=(now.get().div_euclid(1000)) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (title) }
                link rel="stylesheet" href={ "../assets/" (assets::STYLE.name) };
                script defer src={ "../assets/" (assets::SCRIPT.name) } {}
                @if live {
                    noscript { meta http-equiv="refresh" content="10"; }
                }
            }
            body { (body) }
        }
    }
}

/// A page of one sentence. It refers to nothing, for it may stand at any address.
pub(crate) fn message_page(title: &str, sentence: &str) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
            }
            body {
                main {
                    h1 { (title) }
                    p { (sentence) }
                }
            }
        }
    }
}
