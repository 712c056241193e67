/* What happens around the runner of rotation.pml, which includes this file.
 *
 * A request that is under way has its effect before an answer, after it, or never. When nobody waits for the
 * answer any more, that is no fault, and the effect comes whenever it likes.
 *
 * Two switches go beyond what the protocol was made for: with -DDOUBLED_PATCH a disable may have its effect
 * twice, as when a proxy repeats it; with -DSLOW_NODES nodes go on accepting a token that was disabled, hear
 * of it later, and then of the enable that followed.
 */

#define POST 0
#define DELETE 1
#define DISABLE 2
#define ENABLE 3

mtype token[SIZE] = Absent;
byte nodes[SIZE];           /* how many accept the token: 0 none, 1 some, 2 all */
byte wire[4 * SIZE];        /* requests under way */
#define onWire(kind, a) wire[(kind) * SIZE + (a)]
#define exists(a) (token[a] == Live || token[a] == WithoutPermissions)
#define isAccepted(a) (token[a] == Live && nodes[a] == 2)
#ifdef SLOW_NODES
bool isUntold[SIZE];        /* some nodes have yet to hear of the disable */
#endif

byte crashesLeft = CRASHES, faultsLeft = FAULTS, lateLeft = LATE;

inline land(kind) {
  onWire(kind, a)--;
  if
  :: kind == POST -> token[a] = Live
  :: kind == DELETE -> invariant(1, current != a); token[a] = Deleted; nodes[a] = 0
  :: kind == DISABLE && token[a] == Live ->
     invariant(1, current != a); token[a] = WithoutPermissions;
#ifdef SLOW_NODES
     isUntold[a] = true
#else
     nodes[a] = 0
#endif
  :: kind == ENABLE && token[a] == WithoutPermissions -> token[a] = Live
  :: else
  fi
}

inline reply(with) { answer = with; asked = NONE; askedKind = 0 }

inline fault() { faultsLeft > 0 -> faultsLeft-- }

active [ATTEMPTS] proctype cluster() {
  byte a = _pid + 1;
  byte kind;

  do
  :: atomic {
       if
       :: onWire(POST, a) > 0 -> kind = POST
       :: onWire(DELETE, a) > 0 -> kind = DELETE
       :: onWire(DISABLE, a) > 0 -> kind = DISABLE
       :: onWire(ENABLE, a) > 0 -> kind = ENABLE
       fi;
       if
       :: asked == a && askedKind == kind ->
          if
          :: land(kind); reply(Done)
          :: fault(); land(kind); reply(Unknown)
          :: fault(); onWire(kind, a)--; reply(Unknown)
          :: fault(); onWire(kind, a)--; reply(Refused)
          :: fault(); quiet = false; reply(Unknown)
          :: kind != POST && faultsLeft > 0 -> fault(); quiet = false; reply(Done)
#ifdef DOUBLED_PATCH
          :: kind == DISABLE && faultsLeft > 0 -> fault(); land(kind); onWire(kind, a)++; reply(Done)
#endif
          fi
       :: else -> land(kind)
       fi;
       kind = 0
     }
  /* Nobody asks the nodes about a token whose string is lost. */
  :: d_step { token[a] == Live && nodes[a] < 2 && attempt[a] == Kept -> nodes[a]++ }
#ifdef SLOW_NODES
  :: d_step { isUntold[a] -> invariant(1, current != a); nodes[a] = 0; isUntold[a] = false }
#endif
  od
}

/* Time passes, and processes die. */

active proctype world() {
  do
  :: d_step { !isDue && phase[1] == Current && attemptOf[2] == NONE -> isDue = true }
  :: d_step { !overlapPassed && isPhase(Superseded) -> overlapPassed = true }
  :: d_step { !quarantinePassed && (isPhase(Disabling) || isPhase(Disabled)) -> quarantinePassed = true }
  :: d_step { doubtful && !deadlinePassed && onWire(POST, doubtful) == 0 -> deadlinePassed = true }
  :: d_step {
       doubtful && !deadlinePassed && onWire(POST, doubtful) > 0 && lateLeft > 0 ->
       lateLeft--; deadlinePassed = true
     }
  :: d_step { crashesLeft > 0 && !died -> crashesLeft--; died = true }
  od
}
