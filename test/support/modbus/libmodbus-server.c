/*
 * A Modbus device on libmodbus, with the habits of real ones. Register n holds n, bit n is set where n is a multiple of 3.
 * PORT is a TCP port of 127.0.0.1, or the path of a serial device (19,200 baud, even parity).
 *
 *   libmodbus-server PORT [--unit N] [--registers N] [--max-registers N] [--hole FROM-TO]... [--silent UNIT]... [--delay MS]
 *                    [--no-table CODE]... [--float-ramp]
 *
 * --unit           on a serial line: its address, 1 where absent
 * --max-registers  longer reads are answered with exception 3
 * --hole           reads that touch these addresses are answered with exception 2
 * --silent         this unit never answers
 * --delay          every answer comes this much later
 * --no-table       this function code is answered with exception 1
 * --float-ramp     register pairs hold the float32 (ABCD) of half their address instead
 */
#include <arpa/inet.h>
#include <errno.h>
#include <modbus/modbus.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

#define MOST 64

static int holes[MOST][2], hole_count;
static int silent[256], missing[256];

static int in_hole(int address, int count) {
    for (int i = 0; i < hole_count; i++)
        if (address <= holes[i][1] && address + count > holes[i][0]) return 1;
    return 0;
}

/* `at`: where the function code stands. */
static void answer(modbus_t *context, const uint8_t *query, int at, int length, modbus_mapping_t *map, int longest, int delay_ms) {
    int code = query[at], address = query[at + 1] << 8 | query[at + 2], count = query[at + 3] << 8 | query[at + 4];
    if (delay_ms > 0) usleep(delay_ms * 1000);
    if (missing[code]) modbus_reply_exception(context, query, MODBUS_EXCEPTION_ILLEGAL_FUNCTION);
    else if (in_hole(address, count)) modbus_reply_exception(context, query, MODBUS_EXCEPTION_ILLEGAL_DATA_ADDRESS);
    else if ((code == 3 || code == 4) && count > longest) modbus_reply_exception(context, query, MODBUS_EXCEPTION_ILLEGAL_DATA_VALUE);
    else modbus_reply(context, query, length, map);
}

int main(int argc, char **argv) {
    const char *path = argc > 1 && argv[1][0] == '/' ? argv[1] : NULL;
    int unit = 1, port = argc > 1 ? atoi(argv[1]) : 0, registers = 65536, longest = 125, delay_ms = 0, ramp = 0;
    for (int i = 2; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "0";
        if (!strcmp(argv[i], "--float-ramp")) ramp = 1;
        else if (!strcmp(argv[i], "--unit")) unit = atoi(value), i++;
        else if (!strcmp(argv[i], "--registers")) registers = atoi(value), i++;
        else if (!strcmp(argv[i], "--max-registers")) longest = atoi(value), i++;
        else if (!strcmp(argv[i], "--delay")) delay_ms = atoi(value), i++;
        else if (!strcmp(argv[i], "--silent")) silent[atoi(value) & 255] = 1, i++;
        else if (!strcmp(argv[i], "--no-table")) missing[atoi(value) & 255] = 1, i++;
        else if (!strcmp(argv[i], "--hole") && hole_count < MOST) {
            if (sscanf(value, "%d-%d", &holes[hole_count][0], &holes[hole_count][1]) == 2) hole_count++;
            i++;
        } else {
            fprintf(stderr, "unknown option %s\n", argv[i]);
            return 2;
        }
    }

    modbus_t *context = path != NULL ? modbus_new_rtu(path, 19200, 'E', 8, 1) : modbus_new_tcp("127.0.0.1", port);
    modbus_mapping_t *map = modbus_mapping_new(registers, registers, registers, registers);
    if (context == NULL || map == NULL) return 1;
    for (int n = 0; n < registers; n++) {
        map->tab_bits[n] = map->tab_input_bits[n] = n % 3 == 0;
        map->tab_registers[n] = map->tab_input_registers[n] = n;
    }
    for (int n = 0; ramp && n + 1 < registers; n += 2) {
        /* Not modbus_set_float_abcd: on little-endian machines libmodbus 3.1 swaps the bytes of each word. */
        float value = n / 2.0f;
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        map->tab_registers[n] = map->tab_input_registers[n] = bits >> 16;
        map->tab_registers[n + 1] = map->tab_input_registers[n + 1] = bits & 0xffff;
    }

    if (path != NULL) {
        if (modbus_set_slave(context, unit) < 0 || modbus_connect(context) < 0) {
            fprintf(stderr, "%s: %s\n", path, modbus_strerror(errno));
            return 1;
        }
        printf("listening\n");
        fflush(stdout);
        for (;;) {
            uint8_t request[MODBUS_RTU_MAX_ADU_LENGTH];
            int length = modbus_receive(context, request);
            /* Less than a request: noise, or for another unit. */
            if (length < 8 || silent[request[0]]) continue;
            answer(context, request, 1, length, map, longest, delay_ms);
        }
    }

    int listening = modbus_tcp_listen(context, MOST);
    if (listening < 0) {
        fprintf(stderr, "listen: %s\n", modbus_strerror(errno));
        return 1;
    }
    printf("listening\n");
    fflush(stdout);

    fd_set all;
    FD_ZERO(&all);
    FD_SET(listening, &all);
    int highest = listening;
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    for (;;) {
        fd_set ready = all;
        if (select(highest + 1, &ready, NULL, NULL, NULL) < 0) return 1;
        for (int fd = 0; fd <= highest; fd++) {
            if (!FD_ISSET(fd, &ready)) continue;
            if (fd == listening) {
                int one = 1, accepted = accept(listening, NULL, NULL);
                if (accepted < 0) continue;
                setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                FD_SET(accepted, &all);
                if (accepted > highest) highest = accepted;
                continue;
            }
            modbus_set_socket(context, fd);
            int length = modbus_receive(context, query);
            if (length < 0) {
                close(fd);
                FD_CLR(fd, &all);
                continue;
            }
            if (length < 12 || silent[query[6]]) continue;
            answer(context, query, 7, length, map, longest, delay_ms);
        }
    }
}
