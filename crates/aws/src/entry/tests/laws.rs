use proptest::prelude::*;

use super::*;

/// Any JSON, and names of the event at any place.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!(CALLER)),
        Just(json!(Case::default().body())),
        Just(json!("POST")),
    ];
    let name = prop_oneof![
        Just("requestContext".to_owned()),
        Just("authorizer".to_owned()),
        Just("iam".to_owned()),
        Just("http".to_owned()),
        Just("headers".to_owned()),
        Just("body".to_owned()),
        any::<String>(),
    ];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(name.clone(), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// What the law of any event asks: it is answered, and only a caller's own project is queued.
fn judged(event: &Value) -> Result<(), TestCaseError> {
    let map = Map::parse(MAP).unwrap();
    let forge = forge();
    let desk = Desk {
        forge: &forge,
        map: &map,
        region: "eu-central-1",
    };
    if let Ok(Judged::Build { queued, .. }) = desk.judge(event, now()) {
        prop_assert!(
            map.project(&queued.caller, &queued.request.project.fullname)
                .is_ok()
        );
    }
    Ok(())
}

proptest! {
    #[test]
    fn no_event_whatever_panics(event in json()) {
        judged(&event)?;
    }

    #[test]
    fn no_change_of_an_event_panics(
        at in prop::sample::select(vec![
            "/headers", "/headers/content-type", "/headers/webhook-id", "/requestContext",
            "/requestContext/http", "/requestContext/http/method", "/requestContext/authorizer",
            "/requestContext/authorizer/iam", "/requestContext/authorizer/iam/userArn", "/body",
            "/isBase64Encoded",
        ]),
        value in json(),
    ) {
        let mut event = Case::default().event();
        *event.pointer_mut(at).unwrap() = value;
        judged(&event)?;
    }

    #[test]
    fn no_change_of_a_body_panics(at in 0..2000_usize, with in any::<char>()) {
        let mut body: Vec<char> = Case::default().body().chars().collect();
        let at = at % body.len();
        body[at] = with;
        let mut event = Case::default().event();
        event["body"] = Value::from(body.into_iter().collect::<String>());
        judged(&event)?;
    }
}
