/* Simulated clusters for programs that are not written in Swift: the interface of libberthenv.so.
 *
 *     swift build -c release --product berthenv        makes .build/release/libberthenv.so
 *
 * A handle stands for `count` environments of one configuration that are stepped together. They write observations,
 * rewards and masks straight into memory of the caller, row-major, environment after environment:
 *
 *     observations    float    count x berth_env_observation_width
 *     masks           uint8_t  count x berth_env_action_count, 1 for an action that is legal now, else 0
 *     actions         int64_t  count
 *     rewards         double   count
 *     elapsed         double   count, time that the step took in control intervals: 1 for `advance`, else 0
 *
 * What an observation holds and what the actions are is in docs/python.md and, by name, in berth_env_feature_names and
 * berth_env_action_names. A handle that does not exist, a NULL pointer, a number out of range and wrong settings are
 * errors; memory that is too small is not noticed. Calls with one handle from several threads take turns, calls with
 * different handles run side by side. No function starts a thread, opens a connection or prints anything. */
#ifndef BERTHENV_H
#define BERTHENV_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What functions that return int32_t return. */
enum {
    BERTH_ENV_SUCCESS = 0,
    BERTH_ENV_FAILURE = 1,
    /* An action that is not in the list, or not legal now. No environment has moved. */
    BERTH_ENV_ILLEGAL_ACTION = 2
};

/* Flags of berth_env_step. */
enum {
    /* An environment whose episode ends begins the next one in the same step: its row of observations and masks is then
     * the first of the new episode. Without this flag it is the last of the old one, and the environment has to be
     * reset. */
    BERTH_ENV_AUTORESET = 1,
    /* An illegal action is replaced by the first legal one: `advance`, or, where a pod waits to be placed, its first
     * feasible node. An action that is not in the list stays an error. */
    BERTH_ENV_REPLACE_ILLEGAL = 2
};

/* Version of this interface, 1. It changes when a caller has to. */
int32_t berth_env_interface_version(void);

/* What went wrong in the calling thread's last call that failed: place, problem and what to do, in one line of UTF-8
 * text. NULL when none failed. Valid until the next call that fails on this thread. */
const char *berth_env_last_error(void);

/* Makes environments.
 *
 * settings  YAML (or JSON), UTF-8, `length` bytes; may be NULL when that is 0. The keys are those of `environment:` of
 *           kind cluster in configs/train: simulator, simulatorFile, episode; and view.nodes and view.services, the
 *           size of the view. What is left out keeps its default; the view is then just large enough.
 * folder    where the path of simulatorFile starts, ends with a 0; NULL for the working directory.
 * count     1 to 65536.
 *
 * Returns a handle above 0, or 0 for an error. */
int64_t berth_env_create(const char *settings, int64_t length, const char *folder, int64_t count);

/* Sizes; -1 for an error. */
int64_t berth_env_count(int64_t handle);
int64_t berth_env_observation_width(int64_t handle);
int64_t berth_env_action_count(int64_t handle);

/* Writes the least and the greatest value of each component of an observation. */
int32_t berth_env_observation_bounds(int64_t handle, float *low, float *high);

/* Names of the components of an observation, and the actions in words, one a line. As snprintf: writes at most
 * `capacity` bytes, the last a 0, and returns the length of the whole text without it; -1 for an error. */
int64_t berth_env_feature_names(int64_t handle, char *text, int64_t capacity);
int64_t berth_env_action_names(int64_t handle, char *text, int64_t capacity);

/* Starts an episode in each environment.
 *
 * seeds     one for each, 0 or more: equal seeds give equal episodes. A negative one, or no seeds at all (NULL), lets
 *           the environment go on from its last seed. */
int32_t berth_env_reset(int64_t handle, const int64_t *seeds, float *observations, uint8_t *masks);

/* Takes an action in each environment. All actions are checked before the first environment moves.
 *
 * elapsed, replaced, final_observations and final_masks may be NULL. `replaced` becomes 1 where an illegal action was
 * replaced. With BERTH_ENV_AUTORESET the last observation and mask of an episode that ended are written into the
 * environment's row of final_observations and final_masks; the other rows are left alone. */
int32_t berth_env_step(int64_t handle, const int64_t *actions, int32_t flags, float *observations, double *rewards,
                       uint8_t *terminated, uint8_t *truncated, uint8_t *masks, double *elapsed, uint8_t *replaced,
                       float *final_observations, uint8_t *final_masks);

/* Removes the environments. Closing a handle again does nothing. */
int32_t berth_env_close(int64_t handle);

#ifdef __cplusplus
}
#endif

#endif
