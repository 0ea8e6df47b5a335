//! Requests, and a browser's end of a live view.

use std::{
    io::{BufRead, BufReader},
    time::Duration,
};

use ureq::{
    Agent, Body,
    http::{Method, Request, Response},
};

/// Long enough for anything that comes at all.
const PATIENCE: Duration = Duration::from_secs(30);

pub fn get(url: &str) -> Response<Body> {
    send(Method::GET, url, &[])
}

pub fn get_with(url: &str, headers: &[(&str, &str)]) -> Response<Body> {
    send(Method::GET, url, headers)
}

pub fn send(method: Method, url: &str, headers: &[(&str, &str)]) -> Response<Body> {
    let agent: Agent = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(PATIENCE))
        .allow_non_standard_methods(true)
        .build()
        .into();
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    agent.run(request.body(()).unwrap()).unwrap()
}

pub fn text(mut response: Response<Body>) -> String {
    response.body_mut().read_to_string().unwrap()
}

pub fn header<'a>(response: &'a Response<Body>, name: &str) -> &'a str {
    let value = response.headers().get(name);
    value.map_or("", |value| value.to_str().unwrap())
}

/// A live view.
pub struct Events(BufReader<ureq::BodyReader<'static>>);

/// One event, as a browser's script gets it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Event {
    pub name: String,
    pub id: Option<String>,
    pub data: String,
}

impl Events {
    pub fn open(url: &str, headers: &[(&str, &str)]) -> Self {
        let response = get_with(url, headers);
        assert_eq!(response.status(), 200);
        assert_eq!(header(&response, "content-type"), "text/event-stream");
        Self(BufReader::new(response.into_body().into_reader()))
    }

    /// The next event with this name; others are passed over.
    pub fn next(&mut self, name: &str) -> Event {
        loop {
            let event = self.any().expect("the view ended too early");
            if event.name == name {
                return event;
            }
        }
    }

    /// The next event, or `None` at the end of the view.
    pub fn any(&mut self) -> Option<Event> {
        let mut event = Event::default();
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            match line.trim_end().split_once(": ") {
                Some(("event", name)) => name.clone_into(&mut event.name),
                Some(("id", id)) => event.id = Some(id.to_owned()),
                Some(("data", data)) => data.clone_into(&mut event.data),
                _ if !event.name.is_empty() => return Some(event),
                _ => {}
            }
        }
    }

    /// Everything up to the end.
    pub fn rest(mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.any()).collect()
    }
}

/// The texts of the lines in an event or on a page, in order.
pub fn lines(html: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for line in html.split("<div").skip(1) {
        let (_, text) = line.split_once('>').unwrap();
        let text = text.split("</div>").next().unwrap();
        let parts = text.split('<').enumerate().map(|(at, part)| match at {
            0 => part,
            _ => part.split_once('>').unwrap().1,
        });
        texts.push(parts.collect());
    }
    texts
}
