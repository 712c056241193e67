/* One lineage of two generations, for Spin: every order of crashes, and of requests that are lost, late or
 * refused. The runner has a ledger and a store, which survive a crash, and a memory, which does not. A token
 * is named by the attempt that made it. What is called what in Sources/ and in the audit log:
 *
 *   list                     the listing of RunJob, and the one that .search waits for
 *   nextAction, decide       RotationMachine.nextAction; what cluster, clock and operator add to it
 *   Recover                  .recover: token.adopted or create.unknown
 *   NoteOrphan, RevokeOrphan orphan.found; .revokeOrphan: orphan.revoke_intended, DELETE, orphan.revoked
 *   Search                   .search
 *   Create                   .create: create.intended, POST; then create.done with store.staged,
 *                            create.refused or create.unknown
 *   Activate, Confirm        .activate, .wait: activation.confirmed
 *   Promote                  .promote: SecretStore.promote, store.promoted
 *   CompleteDelivery         delivery.done; for a predecessor, rollback.done
 *   Revoke                   .revoke: revoke.intended, DELETE, revoke.done
 *   Retire                   what becomes of a predecessor: Revoke, or one of those that follow
 *   Disable, DisableSeen     disable.intended, PATCH; disable.done, by the answer or by a GET
 *   Enable, EnableSeen       enable.intended, PATCH; enable.done, by the answer or by a GET
 *   Rollback                 the store takes the predecessor back, before rollback.done
 *   InFlight … Gone          Attempt.State; of a lost one, Orphan and Gone say what became of its token
 *   Staged … Revoked         Generation.Phase
 *   doubtful, searched       Attempt.isDoubtful, ActionContext.searched
 *   deadlinePassed           Performer.searchableAt
 */

#ifndef ATTEMPTS    /* Who gives one of these bounds gives all of them. */
#define ATTEMPTS 3
#define CRASHES 2
#define FAULTS 2    /* requests that are lost, refused, or answered too early or not at all */
#define LATE 1      /* POSTs that have their effect after their deadline */
#define ROLLBACKS 2
#endif

/* The safeguards, and which invariant Spin has to find broken when -DWITHOUT=NAME takes one out. This list is
 * read by scripts/model.sh. */
#define ADOPTION 1          /* 9: a string in the store is adopted before its attempt is called unknown */
#define SEARCH 2            /* 5: the attempt after an unknown one waits for a listing */
#define DEADLINE 3          /* 5: and that listing for the deadline of the unknown one */
#define ONE_POST 4          /* 5: an unanswered attempt is not sent again */
#define WATCH 5             /* 2: every run revokes what has appeared of an unknown attempt */
#define DELETE_ANSWER 6     /* 2: an unanswered DELETE is not taken as done */
#define SETTLE 7            /* 1: the acceptance of one node is no activation */
#define STORE_READ 8        /* 1: before a predecessor is retired, the store is asked what is current */
#define READ_FIRST 9        /* 1: a disable waits until a GET shows the permissions that it takes away */
#define ONE_DISABLE 10      /* 1: an unanswered disable is not sent again */
#define DISABLE_SEEN 11     /* 1: an enable waits until a GET shows the disable */
#define PREVIOUS 12         /* 3: the string that was current is kept until its token is revoked */
#define DELIVERY_FIRST 13   /* 4: a token goes only when its successor is delivered */
#define OVERLAP 14          /* 4: and when the overlap has passed */
#define NO_RETURN 15        /* 4: what is being revoked is not made current again */
#ifndef WITHOUT
#define WITHOUT 0
#endif
#define has(safeguard) (WITHOUT != safeguard)

/* The numbers are those of docs/architecture.md; 9 is its rule that what the store holds is adopted. They are
 * in the condition because pan prints the condition of an assertion that fails. */
#define invariant(number, condition) assert((condition) || number == 0)

#define NONE 0
#define SIZE (ATTEMPTS + 1)

mtype = {
  Absent, Live, WithoutPermissions, Deleted,    /* tokens on the cluster */
  Silence, Done, Refused, Unknown,              /* answers; the last two are states of attempts too */
  Unused, InFlight, Kept, Orphan, Gone,
  Planned, Staged, Active, Delivering, Current, Superseded, Disabling, Disabled, Enabling, Revoking, Revoked,
  Recover, NoteOrphan, RevokeOrphan, Search, Create, Activate, Confirm, Promote, CompleteDelivery, Revoke,
  Retire, Disable, DisableSeen, Enable, EnableSeen, Rollback, Finish
}

/* The store. */
byte pending, current, previous;

/* The ledger. */
mtype attempt[SIZE] = Unused;
byte doubtful;              /* the attempt whose effect may still come, and that nobody has looked for */
byte attemptOf[3];
mtype phase[3] = Planned;
#define isPhase(p) (phase[1] == p || phase[2] == p)

/* Time, which goes on while no runner lives. */
bool isDue, overlapPassed, quarantinePassed, deadlinePassed;

/* The runner's memory. */
bool isRollback;            /* this run is an operator's rollback, which no ledger remembers */
bool seen[SIZE];            /* by the last listing, of attempts without a generation */
bool searched;
byte asked, askedKind;      /* for which token an answer is awaited, and to what */
mtype answer = Silence;

byte rollbacksLeft = ROLLBACKS;
bool died;

/* What only the invariants know. */
bool sent[SIZE], listedAfterDeadline[SIZE], wasCurrent[SIZE];
bool quiet;                 /* nothing was under way when the run began, and nothing failed since */

/* For use within one d_step. */
hidden byte i, unfinished, appeared, orphan, fresh, busy, predecessor, incumbent;

#include "cluster.pml"

/* The runner. It may die before each of its steps, which are single statements, atomic or d_step. */

inline list() {
  for (i : 1 .. ATTEMPTS) { seen[i] = exists(i) && (attempt[i] == InFlight || attempt[i] == Unknown) }
  listedAfterDeadline[doubtful] = listedAfterDeadline[doubtful] || deadlinePassed
}

inline begin() {
  atomic {
    d_step {
      quiet = true;
      for (i : 0 .. 4 * SIZE - 1) { quiet = quiet && wire[i] == 0 }
      for (i : 1 .. 2) {
        invariant(3, phase[i] == Planned || phase[i] == Revoking || phase[i] == Revoked
          || pending == attemptOf[i] || current == attemptOf[i] || previous == attemptOf[i])
      }
      list()
    };
    if
    :: (rollbacksLeft > 0 && (isPhase(Superseded) || isPhase(Disabling) || isPhase(Disabled)
         || isPhase(Revoking) && !has(NO_RETURN))) -> isRollback = true
    :: true
    fi
  }
}

inline forget() {
  for (i : 1 .. ATTEMPTS) { seen[i] = false }
  isRollback = false; searched = false; quiet = false; reply(Silence); a = NONE; g = 0; act = Finish
}

inline end() {
  d_step {
    for (i : 0 .. 4 * SIZE - 1) { quiet = quiet && wire[i] == 0 }
    for (i : 1 .. ATTEMPTS) { invariant(2, !quiet || exists(i) == (attempt[i] == Kept)) }
    forget()
  }
}

/* What is unfinished is recovered first, orphans go next, and something new comes last. */
inline nextAction() {
  d_step {
    unfinished = NONE; appeared = NONE; orphan = NONE; fresh = NONE; busy = 0; predecessor = 0; incumbent = 0;
    for (i : 1 .. ATTEMPTS) {
      if
      :: attempt[i] == InFlight -> unfinished = i
      :: attempt[i] == Orphan -> orphan = i
      :: attempt[i] == Unknown && seen[i] && (has(WATCH) || searched) -> appeared = i
      :: fresh == NONE && (attempt[i] == Unused || attempt[i] == Unknown && !has(ONE_POST)) -> fresh = i
      :: else
      fi
    }
    for (i : 1 .. 2) {
      if
      :: phase[i] == Planned || phase[i] == Revoked
      :: phase[i] == Current -> incumbent = i
      :: phase[i] == Superseded || phase[i] == Disabling || phase[i] == Disabled || phase[i] == Enabling ->
         predecessor = i
      :: else -> busy = i
      fi
    }
    act = Finish; g = 0;
    if
    :: unfinished -> act = Recover; a = unfinished
    :: !unfinished && appeared -> act = NoteOrphan; a = appeared
    :: !unfinished && !appeared && orphan -> act = RevokeOrphan; a = orphan
    :: else ->
       g = (busy -> busy : predecessor);
       if
       :: phase[g] == Staged -> act = Activate
       :: phase[g] == Active ->
          act = (incumbent && !has(DELIVERY_FIRST) -> Revoke : Promote);
          g = (act == Revoke -> incumbent : g)
       :: phase[g] == Delivering -> act = CompleteDelivery
       :: phase[g] == Revoking -> act = (has(NO_RETURN) -> Revoke : Retire)
       :: g && g == predecessor -> act = Retire
       :: g == 0 && attemptOf[2] == NONE && (!incumbent || isDue) ->
          act = (doubtful && !searched && has(SEARCH) -> Search : (fresh -> Create : Finish))
       :: else
       fi;
       a = (act == Create -> fresh : attemptOf[g])
    fi
  }
}

#define mayRetire(g) (phase[g] == Revoking || (phase[g] == Superseded && (overlapPassed || !has(OVERLAP))) \
  || ((phase[g] == Disabling || phase[g] == Disabled) && quarantinePassed))

/* What the cluster, the clock and the operator have to say. */
inline decide() {
  if
  :: act == Activate ->
     if
     :: nodes[a] == 2 || (nodes[a] == 1 && !has(SETTLE)) -> act = Confirm
     :: nodes[a] < 2 -> act = Finish
     :: nodes[a] < 2 -> act = Revoke
     fi
  :: act == Retire && current == a && has(STORE_READ) -> act = CompleteDelivery
  :: act == Retire && !(current == a && has(STORE_READ)) ->
     if
     :: (!isRollback || phase[g] == Revoking) && mayRetire(g) -> act = Revoke
     :: !isRollback && (phase[g] == Superseded && mayRetire(g) && (token[a] == Live || !has(READ_FIRST))
          || phase[g] == Disabling && !has(ONE_DISABLE)) -> act = Disable
     :: phase[g] == Disabling && token[a] == WithoutPermissions -> act = DisableSeen
     :: (isRollback && (phase[g] == Disabled || phase[g] == Disabling && !has(DISABLE_SEEN))
          && (token[a] == WithoutPermissions || !has(DISABLE_SEEN))) -> act = Enable
     :: phase[g] == Enabling -> act = (token[a] == Live -> EnableSeen : Enable)
     :: isRollback && (phase[g] == Superseded || phase[g] == Revoking) && isAccepted(a) -> act = Rollback
     :: phase[g] != Revoking -> act = Finish
     fi
  :: else
  fi
}

inline send(kind) {
  d_step { onWire(kind, a)++; asked = a; askedKind = kind; answer = Silence };
  answer != Silence
}

/* The ledger's commits that are in two places. */
inline keep() {
  g = (attemptOf[1] == NONE -> 1 : 2); attemptOf[g] = a; attempt[a] = Kept; seen[a] = false;
  phase[g] = (current == a -> Active : Staged)
}
inline doubt() { attempt[a] = Unknown; doubtful = a; deadlinePassed = false; searched = false }

inline create() {
  d_step {
    for (i : 1 .. ATTEMPTS) {
      invariant(5, i == a || attempt[i] == Unused || attempt[i] == Refused || i == attemptOf[1]
        || i == attemptOf[2] || listedAfterDeadline[i])
    }
    attempt[a] = InFlight; doubtful = NONE; deadlinePassed = false; searched = false
  };
  d_step { invariant(5, !sent[a]); sent[a] = true };
  send(POST);
  if
  :: answer == Done -> pending = a; d_step { keep(); answer = Silence }
  :: answer == Refused -> d_step { attempt[a] = Refused; answer = Silence }
  :: answer == Unknown -> d_step { doubt(); answer = Silence }
  fi
}

inline promote() {
  if
  :: current != a ->
     previous = (has(PREVIOUS) -> current : NONE);
     d_step {
       invariant(1, isAccepted(a)); invariant(4, phase[g] == Active);
       current = a; wasCurrent[a] = true
     }
  :: else
  fi;
  pending = NONE;
  phase[g] = Delivering
}

inline completeDelivery() {
  d_step {
    phase[3 - g] = (phase[3 - g] == Current -> Superseded : phase[3 - g]);
    phase[g] = Current; overlapPassed = false; quarantinePassed = false
  }
}

/* A run does not go on with a token that is not certainly gone. */
inline delete() {
  if
  :: token[a] == Deleted -> answer = Done
  :: else -> send(DELETE)
  fi;
  if
  :: answer == Done || (answer == Unknown && !has(DELETE_ANSWER)) -> answer = Silence
  :: else -> quiet = false; goto over
  fi
}

inline revokeOrphan() {
  invariant(9, pending != a && current != a && previous != a);
  delete();
  attempt[a] = Gone
}

inline revoke() {
  d_step {
    invariant(4, !wasCurrent[a] || phase[g] == Revoking || (phase[3 - g] == Current && overlapPassed));
    invariant(1, current != a);
    phase[g] = Revoking
  };
  delete();
  d_step { pending = (pending == a -> NONE : pending); previous = (previous == a -> NONE : previous) };
  d_step { phase[g] = Revoked; attempt[a] = Gone }
}

inline disable() {
  d_step { invariant(1, current != a); phase[g] = Disabling; quarantinePassed = false };
  send(DISABLE);
  if
  :: answer == Unknown -> goto over
  :: else -> d_step { phase[g] = (answer == Done -> Disabled : Superseded); answer = Silence }
  fi
}

inline enable() {
  phase[g] = Enabling;
  send(ENABLE);
  if
  :: answer == Done -> d_step { phase[g] = Superseded; answer = Silence }
  :: else -> goto over
  fi
}

inline rollback() {
  d_step {
    invariant(1, isAccepted(a)); invariant(4, phase[g] == Superseded);
    previous = current; current = a; rollbacksLeft--; isRollback = false
  };
  completeDelivery()
}

active proctype runner() {
  byte a, g;
  mtype act = Finish;

  do
  :: {
       begin();
       do
       :: atomic { nextAction(); decide() };
          if
          :: act == Recover && (pending == a || current == a) && has(ADOPTION) -> d_step { keep() }
          :: act == Recover && !((pending == a || current == a) && has(ADOPTION)) -> d_step { doubt() }
          :: act == NoteOrphan -> attempt[a] = Orphan
          :: act == RevokeOrphan -> revokeOrphan()
          :: act == Search -> d_step { deadlinePassed || !has(DEADLINE) -> list(); searched = true }
          :: act == Create -> create()
          :: act == Confirm -> phase[g] = Active
          :: act == Promote -> promote()
          :: act == CompleteDelivery -> completeDelivery()
          :: act == Revoke -> revoke()
          :: act == Disable -> disable()
          :: act == DisableSeen -> phase[g] = Disabled
          :: act == Enable -> enable()
          :: act == EnableSeen -> phase[g] = Superseded
          :: act == Rollback -> rollback()
          :: act == Finish -> break
          fi
       od;
progress:
over:  end()
     } unless { d_step { died -> died = false; forget() } }
  od
}
