//! What a demonstration is made of while it lasts: the forge, and what the receiver must know.

use std::path::Path;

use chela_contract::{Job, webhook};
use tokio::sync::mpsc::UnboundedReceiver;
use uuid::Uuid;

use crate::{
    ask::Asker,
    forge::{Flag, Forge},
    run::{Ended, Error, Needs, Receiver},
    screen::Screen,
    texts,
};

const PROJECT: &str = "demo/hello";
const JOB: &str = "local/check";

/// Everything but the receiver.
pub struct Stage {
    pub forge: Forge,
    pub needs: Needs,
    key: webhook::Key,
    changes: UnboundedReceiver<Flag>,
}

impl Stage {
    /// A forge that runs; the receiver gets `directory` for its files.
    pub async fn set(directory: &Path) -> Result<Self, Error> {
        let project = PROJECT.parse().expect("a project's name");
        let job = Job::new(JOB).expect("a job's name");
        let token = Uuid::new_v4().simple().to_string();
        let key = webhook::Key::new(token.clone().into()).expect("a token that is not empty");
        let forge = Forge::start(project, job.clone(), key.clone()).await;
        let (forge, changes) = forge.map_err(Error::Listen)?;
        let needs = Needs {
            forge: forge.url.clone(),
            project: forge.project.clone(),
            job,
            token: token.into(),
            directory: directory.to_owned(),
        };
        Ok(Self {
            forge,
            needs,
            key,
            changes,
        })
    }

    /// Asks for both builds and shows their flags until none of them is pending.
    pub async fn play(
        &mut self,
        receiver: &Receiver,
        screen: &mut Screen<'_>,
    ) -> Result<Ended, Error> {
        screen.say(&texts::started(&self.forge.url, &receiver.ci_url));
        for notice in &receiver.notices {
            screen.say(notice);
        }
        screen.say(texts::ASKING);
        let asker = Asker::new(&receiver.ci_url, self.needs.job.clone(), self.key.clone())?;
        let [good, bad] = &self.forge.pull_requests;
        let forge = &self.forge;
        let watched = async {
            while let Some(flag) = self.changes.recv().await {
                screen.change(flag, &forge.url);
                if screen.is_settled() && !forge.flags.all().iter().any(Flag::is_pending) {
                    break;
                }
            }
            Ok(())
        };
        // An answer may still be on its way when its build has been reported already.
        tokio::try_join!(
            asker.deliver(forge, good),
            asker.deliver(forge, bad),
            watched
        )?;
        Ok(self.verdict(screen))
    }

    fn verdict(&self, screen: &mut Screen<'_>) -> Ended {
        let flags = self.forge.flags.all();
        screen.end(&flags);
        let mut ended = Ended::AsExpected;
        for pull_request in &self.forge.pull_requests {
            let ours = |flag: &&Flag| flag.pull_request == Some(pull_request.id);
            for flag in flags.iter().filter(ours) {
                if flag.shown.status != pull_request.expected {
                    screen.say(&texts::otherwise(pull_request, flag));
                    ended = Ended::Otherwise;
                }
            }
        }
        if ended == Ended::AsExpected {
            screen.say(texts::AS_EXPECTED);
        }
        ended
    }
}
