// When further votes of a text-only teacher are not worth their price: a pure function of the votes
// so far, so that the gateway, which buys them, and the trainer, which counts them, agree.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace limbeck::cache {

// Votes are asked for one after another, from `min_votes` on, until they suffice.
struct VotingRule {
  uint32_t min_votes = 4;   // ≥ 1.
  uint32_t max_votes = 32;  // ≥ min_votes.
  // Largest half-width of the interval on the leading outcome's share, (0, 0.5].
  double half_width = 0.1;
  // Of the interval, in (0, 1). It holds at each look, not over all of them: a row that is looked
  // at often stops by chance more often than 1 − confidence.
  double confidence = 0.95;
};

struct Interval {
  double low = 0.0;
  double high = 1.0;
};

// Wilson's score interval for a share of `successes` in `trials` (Wilson, JASA 22, 1927; advised
// for small samples by Brown, Cai and DasGupta, Statistical Science 16, 2001), with p = s/n:
//   (p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n).
// [0, 1] without trials.
Interval WilsonInterval(uint64_t successes, uint64_t trials, double confidence);

// How many of `votes` (a label's index, or −1 for none, in the order of their samples) the rule
// uses: the shortest beginning, of at least `min_votes`, at which the interval on the leading
// outcome's share is narrow enough or the lead is decided, that is when
//   - the votes that may still come cannot change the leader, or
//   - among the votes for the leader and the second, the interval on the leader's share lies
//     above one half.
// 0 when they do not suffice yet; never 0 from `max_votes` on.
size_t VotesThatSuffice(const std::vector<int>& votes, size_t labels, const VotingRule& rule);

}  // namespace limbeck::cache
